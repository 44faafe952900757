//! The files are all there, fit together, and come with what keeps browsers from doing anything else.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path as FilePath;

use axum::body::Body;
use axum::http::Request;
use tower::ServiceExt;

use super::*;

/// What keeps a page from being framed, guessed at, leaked or outdated.
const PROMISED: [(&str, &str); 5] = [
    ("x-frame-options", "DENY"),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-resource-policy", "same-origin"),
    ("cache-control", "no-cache"),
];

async fn ask(path: &str, known: Option<&str>) -> Response {
    let mut request = Request::get(path);
    if let Some(tag) = known {
        request = request.header(header::IF_NONE_MATCH, tag);
    }
    routes::<()>().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
}

fn text(name: &str) -> &'static str {
    let (_, bytes) = FILES.iter().find(|(known, _)| *known == name).unwrap();
    std::str::from_utf8(bytes).unwrap()
}

fn scripts() -> impl Iterator<Item = (&'static str, &'static str)> {
    FILES.iter().map(|(name, _)| *name).filter(|name| name.ends_with(".js")).map(|name| (name, text(name)))
}

#[tokio::test]
async fn each_file_has_its_type_its_tag_and_the_policy() {
    for (name, _) in FILES {
        let response = ask(&format!("/console/{name}"), None).await;
        assert_eq!(response.status(), StatusCode::OK, "{name}");
        let headers = response.headers();
        assert_eq!(headers[header::CONTENT_TYPE], media_type(name));
        for (header, value) in PROMISED {
            assert_eq!(headers[header], value, "{name}");
        }
        let tag = headers[header::ETAG].to_str().unwrap().to_owned();
        for known in [tag.clone(), format!("W/{tag}"), format!("\"x\", {tag}"), "*".to_owned()] {
            assert_eq!(
                ask(&format!("/console/{name}"), Some(&known)).await.status(),
                StatusCode::NOT_MODIFIED
            );
        }
        assert_eq!(ask(&format!("/console/{name}"), Some("\"x\"")).await.status(), StatusCode::OK);
    }
    let tags: BTreeSet<_> = FILES.iter().map(|(_, bytes)| fingerprint(bytes)).collect();
    assert_eq!(tags.len(), FILES.len());
}

#[tokio::test]
async fn the_page_is_at_both_paths_and_nothing_else_is_served() {
    for path in ["/console", "/console/"] {
        let response = ask(path, None).await;
        assert_eq!(response.headers()[header::CONTENT_TYPE], "text/html; charset=utf-8", "{path}");
    }
    for path in ["/console/none.js", "/console/..%2fconsole.rs", "/console/a/b", "/console/APP.JS"] {
        assert_eq!(ask(path, None).await.status(), StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn the_policy_begins_with_nothing_and_has_no_way_around_it() {
    let response = ask("/console", None).await;
    let policy = response.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
    let directives: BTreeSet<_> = policy.split("; ").collect();
    for own in ["script-src", "style-src", "img-src", "connect-src"] {
        assert!(directives.contains(format!("{own} 'self'").as_str()), "{own}");
    }
    for none in ["default-src", "base-uri", "form-action", "frame-ancestors", "trusted-types"] {
        assert!(directives.contains(format!("{none} 'none'").as_str()), "{none}");
    }
    assert!(directives.contains("require-trusted-types-for 'script'") && directives.len() == 10);
    for word in ["unsafe", "http:", "https:", "data:", "blob:", "*", "nonce", "sha256"] {
        assert!(!policy.contains(word), "{word}");
    }
}

#[test]
fn every_file_of_the_folder_is_embedded() {
    let folder = FilePath::new(env!("CARGO_MANIFEST_DIR")).join("src/console");
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let there: BTreeSet<_> = names.collect();
    let embedded: BTreeSet<_> = FILES.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(there, embedded);
}

#[test]
fn scripts_import_files_that_are_there_and_never_make_markup_of_text() {
    for (name, text) in scripts() {
        for import in text.lines().filter_map(|line| line.split(" from './").nth(1)) {
            let wanted = import.trim_end_matches("';");
            assert!(FILES.iter().any(|(known, _)| *known == wanted), "{name} imports {wanted}");
        }
        for word in [
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "eval(",
            "new Function",
            "http://",
        ] {
            // A name space is an address that nobody asks.
            assert!(!text.replace("http://www.w3.org/2000/svg", "").contains(word), "{name} has {word}");
        }
    }
    for word in ["style=", "onclick=", "javascript:", "//cdn"] {
        assert!(!text(INDEX).contains(word), "{word}");
    }
}

/// Otherwise they are found one import after the other, which takes long where the node is far.
#[test]
fn the_page_names_every_script() {
    for (name, _) in scripts() {
        assert!(text(INDEX).contains(&format!("\"/console/{name}\"")), "{name}");
    }
}

/// Charts would show nothing, and say nothing, if a metric had another name.
#[test]
fn metrics_are_those_that_a_node_has() {
    let documented =
        fs::read_to_string(FilePath::new(env!("CARGO_MANIFEST_DIR")).join("docs/metrics.md")).unwrap();
    let mut seen = 0;
    for (name, text) in scripts() {
        for metric in text.split('\'').filter(|word| word.starts_with("quorate_")) {
            assert!(documented.contains(&format!("`{metric}`")), "{name}: {metric} is no metric");
            seen += 1;
        }
    }
    assert!(seen >= 5, "only {seen} metrics are used");
}
