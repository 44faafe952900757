//! What is written, to whom it is readable, and that nothing is overwritten.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::*;
use crate::tls::certificate::Certificate;

fn init(dir: &Path) -> Result<String, Failure> {
    let hosts = vec!["cache.example".to_owned(), "10.0.0.1".to_owned()];
    init::run(&InitArgs { dir: dir.to_owned(), nodes: 2, hosts, days: 30 })
}

fn certificate(dir: &Path, name: &str) -> Certificate {
    let pem = std::fs::read(dir.join(format!("{name}.pem"))).unwrap();
    Certificate::all(&pem).unwrap().remove(0)
}

fn days_left(certificate: &Certificate) -> i64 {
    (certificate.not_after_s - (wall_ms() / 1000) as i64 + 60) / 86_400
}

#[test]
fn init_makes_an_authority_nodes_and_a_client() {
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path().join("certs");
    let text = init(&dir).unwrap();
    assert!(text.contains("node-1 to node-2") && text.contains("--ca-file"), "{text}");
    let node = certificate(&dir, "node-2");
    let expected = ["node-2", "localhost", "127.0.0.1", "::1", "cache.example", "10.0.0.1"];
    assert_eq!(node.names, expected);
    assert!(node.serves && !node.authority && days_left(&node) == 30);
    assert!(!certificate(&dir, "client").serves && certificate(&dir, "ca").authority);
    for name in ["ca", "node-1", "node-2", "client"] {
        let key = dir.join(format!("{name}.key")).metadata().unwrap();
        assert_eq!(key.permissions().mode() & 0o777, 0o600, "{name}");
    }
}

#[test]
fn nothing_is_overwritten() {
    let dir = tempfile::tempdir().unwrap();
    init(dir.path()).unwrap();
    let before = std::fs::read(dir.path().join("ca.key")).unwrap();
    assert_eq!(init(dir.path()).unwrap_err().exit, Exit::Conflict);
    assert_eq!(std::fs::read(dir.path().join("ca.key")).unwrap(), before);
    // One file of many is enough, and then not one is written.
    let half = tempfile::tempdir().unwrap();
    std::fs::write(half.path().join("client.key"), "mine").unwrap();
    assert_eq!(init(half.path()).unwrap_err().exit, Exit::Conflict);
    assert_eq!(std::fs::read_dir(half.path()).unwrap().count(), 1);
}

#[test]
fn more_are_issued_and_renewed_by_the_authority_that_is_there() {
    let dir = tempfile::tempdir().unwrap();
    init(dir.path()).unwrap();
    let (name, hosts) = ("node-3".to_owned(), vec!["third".to_owned()]);
    let args = IssueArgs { dir: dir.path().to_owned(), name, hosts, client: false, days: 10 };
    issue::issue(&args).unwrap();
    let first = certificate(dir.path(), "node-3");
    assert!(first.names.contains(&"third".to_owned()) && days_left(&first) == 10);
    assert_eq!(issue::issue(&args).unwrap_err().exit, Exit::Conflict);
    let escape = IssueArgs { name: "../node-9".into(), ..args };
    assert_eq!(issue::issue(&escape).unwrap_err().exit, Exit::Usage);

    let key = std::fs::read(dir.path().join("node-3.key")).unwrap();
    let names = vec!["node-3".to_owned(), "client".to_owned()];
    issue::renew(&RenewArgs { dir: dir.path().to_owned(), names, days: 90 }).unwrap();
    let renewed = certificate(dir.path(), "node-3");
    assert_eq!((&renewed.names, &renewed.subject), (&first.names, &first.subject));
    assert!(renewed.serves && days_left(&renewed) == 90 && !certificate(dir.path(), "client").serves);
    assert_eq!(std::fs::read(dir.path().join("node-3.key")).unwrap(), key);
    let names = vec!["ca".to_owned()];
    assert!(issue::renew(&RenewArgs { dir: dir.path().to_owned(), names, days: 90 }).is_err());
}

#[test]
fn a_certificate_is_shown_with_the_time_it_has_left() {
    let certificate = Certificate {
        subject: "CN=node-1".into(),
        issuer: "CN=CA".into(),
        names: vec!["a".into(), "127.0.0.1".into()],
        authority: false,
        serves: true,
        not_before_s: 0,
        not_after_s: 86_400 * 10,
    };
    let expected = "\
node-1.pem
  subject    CN=node-1
  issuer     CN=CA
  for        a node or server
  names      a, 127.0.0.1
  not after  1970-01-11 00:00 UTC (3 days left)
";
    assert_eq!(show::block("node-1.pem", &certificate, 86_400 * 7), expected);
    assert!(show::block("x", &certificate, 86_400 * 10).contains("(EXPIRED)"));
}
