//! The table of endpoints against the router, and what is done with headers.

use axum::http::HeaderValue;

use super::*;

fn body_of_routes(source: &str) -> String {
    let after_start = source.split_once("fn routes").unwrap().1;
    after_start.split_once("\n}\n").unwrap().0.to_owned()
}

/// The router's routes as its source has them: path, and the methods it names.
fn routes() -> Vec<(String, Vec<&'static str>)> {
    const HANDLERS: [(&str, &[&str]); 5] = [
        ("get(", &["GET", "HEAD"]),
        ("put(", &["PUT"]),
        ("post(", &["POST"]),
        ("patch(", &["PATCH"]),
        ("delete(", &["DELETE"]),
    ];
    let mut body = body_of_routes(include_str!("../mod.rs")) + &body_of_routes(include_str!("../console.rs"));
    // Handlers of several paths have a name.
    while let Some((before, (name, handlers, after))) = body.split_once("let ").map(|(before, rest)| {
        let (name, rest) = rest.split_once(" = || ").unwrap();
        let (handlers, after) = rest.split_once(";\n").unwrap();
        (before, (format!("{name}()"), handlers, after))
    }) {
        body = before.to_owned() + &after.replace(&name, handlers);
    }
    let route = |text: &str| {
        let (path, handlers) = text.split_once("\", ").unwrap();
        let methods = HANDLERS.iter().filter(|(name, _)| handlers.contains(name)).flat_map(|(_, m)| *m);
        (path.to_owned(), methods.copied().collect())
    };
    body.split(".route(\"").skip(1).map(route).collect()
}

#[test]
fn every_route_says_what_it_needs_and_there_are_no_others() {
    let listed = ENDPOINTS.iter().flat_map(|(path, methods, _)| methods.iter().map(move |m| (*path, *m)));
    let mut listed: Vec<(String, &str)> = listed.map(|(path, m)| (path.to_owned(), m)).collect();
    let served = routes();
    let served = served.iter().flat_map(|(path, methods)| methods.iter().map(|m| (path.clone(), *m)));
    let mut served: Vec<(String, &str)> = served.collect();
    listed.sort();
    served.sort();
    assert_eq!(listed, served, "left: ENDPOINTS, right: the router");
}

#[test]
fn paths_find_what_they_need() {
    let cases = [
        ("GET", "/livez", Access::Open),
        ("HEAD", "/readyz", Access::Health),
        ("GET", "/v1/kv/default", Access::Keys),
        ("PUT", "/v1/kv/default/a//b", Access::Keys),
        ("PUT", "/v1/raw/default/", Access::Keys),
        ("GET", "/v1/cluster/groups/1", Access::Admin),
        ("DELETE", "/v1/cluster/groups/1/voters/2", Access::Admin),
    ];
    for (method, path, needed) in cases {
        assert_eq!(access(path, &method.parse().unwrap()), needed, "{method} {path}");
    }
}

#[test]
fn what_is_not_listed_needs_admin() {
    let odd =
        ["/v1/new", "/livez/", "//livez", "/LIVEZ", "/v1/kv", "/v1/kv/", "/v1/kv//", "/v1/batch/x", "", "*"];
    for path in odd {
        assert_eq!(access(path, &Method::GET), Access::Admin, "{path}");
    }
    assert_eq!(access("/v1/batch", &Method::PUT), Access::Admin);
    assert_eq!(access("/livez", &Method::POST), Access::Admin);
}

#[test]
fn only_bearer_tokens_are_seen() {
    let shown = |text: &'static str| {
        let headers = HeaderMap::from_iter([(header::AUTHORIZATION, HeaderValue::from_static(text))]);
        super::shown(&headers).map(<[u8]>::to_vec)
    };
    assert_eq!(shown("Bearer a_b-c"), Some(b"a_b-c".to_vec()));
    assert_eq!(shown("bEARER  a "), Some(b"a".to_vec()));
    for none in ["", "Bearer", "Bearera", "Basic YTpi", "a"] {
        assert_eq!(shown(none), None, "{none}");
    }
}
