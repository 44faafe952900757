//! The command line as a whole.

use super::*;

fn parses(line: &str) -> bool {
    Cli::try_parse_from(line.split(' ')).is_ok()
}

#[test]
fn the_command_line_is_sound() {
    Cli::command().debug_assert();
}

#[test]
fn every_documented_command_parses() {
    let lines = [
        "quorate serve --config q.toml --join a:1,b:2",
        "quorate serve --id 1 --data-dir d --http 127.0.0.1:7070 --peer 127.0.0.1:7170 --seeds a:1 --bootstrap-expect 3",
        "quorate demo --nodes 5 --groups 8 --data-dir d --http-port 8000 --peer-port 9000",
        "quorate --endpoint a:1 --endpoint b:2 --timeout 2s --consistency lease --output raw get k",
        "quorate get k --endpoint a:1,b:2 --output json --ns other",
        "quorate set k v --ttl 30s --if-version 7",
        "quorate set k - --if-absent --json",
        "quorate del k --if-version 3",
        "quorate incr k --by -5 --init 10",
        "quorate scan",
        "quorate scan --prefix user: --ns other --output raw",
        "quorate ttl k",
        "quorate touch k --ttl 1s",
        "quorate status",
        "quorate member list",
        "quorate member add 4 --http a:1 --peer a:2 --zone b",
        "quorate member remove 4 --yes",
        "quorate group list",
        "quorate group show 1",
        "quorate group add-voter 1 4",
        "quorate group remove-voter 1 4 --yes",
        "quorate group transfer 1 2",
        "quorate group snapshot 1",
        "quorate token create --name app --user web --allow admin --allow read --expires-in 30d",
        "quorate token list --token-file f",
        "quorate token delete app --yes",
        "quorate log level",
        "quorate log level debug --node 2",
        "quorate repair --data-dir d --yes",
        "quorate openapi",
        "quorate version",
        "quorate status --watch",
        "quorate doctor",
        "quorate doctor --data-dir d",
        "quorate config validate --config q.toml --id 1",
        "quorate config dump --output json",
        "quorate get k --endpoint https://a:1 --ca-file ca.pem --cert-file c.pem --key-file c.key",
        "quorate tls init certs --nodes 5 --host node-1 --host 10.0.0.1 --days 30",
        "quorate tls issue certs node-4 --host node-4",
        "quorate tls renew certs node-1 node-2 --days 90",
        "quorate tls issue certs app --client",
        "quorate tls show certs/node-1.pem",
        "quorate serve --tls-cert c --tls-key k --tls-ca a --tls-client-auth required --allow-insecure --id 1",
        "quorate demo --tls",
        "quorate completion bash",
        "quorate completion fish",
        "quorate man --dir d",
    ];
    for line in lines {
        assert!(parses(line), "{line}");
    }
}

#[test]
fn nonsense_is_refused() {
    let lines = [
        "quorate",
        "quorate get",
        "quorate get k --timeout 5",
        "quorate get k --timeout 0s",
        "quorate get k --endpoint ftp://a:1",
        "quorate get k --cert-file c.pem",
        "quorate tls init",
        "quorate get k --consistency strong",
        "quorate set k v --if-absent --if-version 1",
        "quorate set k v --ttl soon",
        "quorate demo --nodes 0",
        "quorate demo --nodes 10",
        "quorate touch k",
        "quorate token create --name app",
        "quorate token list --token qrt_1_x",
        "quorate group transfer 1",
        "quorate completion powershell",
        "quorate config",
        "quorate log",
        "quorate log level debug --node b",
    ];
    for line in lines {
        assert!(!parses(line), "{line}");
    }
}
