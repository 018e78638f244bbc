use http::{Method, StatusCode};
use serde_json::json;

use crate::metrics::{Metrics, NAMES};
use crate::tests::{TestApp, UNLIMITED, request};

/// Health shows numbers to the operator only, readiness fails with the media server, health does not.
#[tokio::test]
async fn health_and_readiness() {
    let app = TestApp::new().await;
    let meeting = app.create("").await.id;
    app.enter(&meeting, "Anna").await;
    let shown = app.get("/health").await.json();
    assert_eq!((&shown["status"], &shown["participants"]), (&json!("ok"), &json!(null)));
    let all = TestApp::with(&[("HEALTH_DETAILS", "on")]).await.get("/health").await.json();
    assert_eq!(
        all,
        json!({"status": "ok", "version": "0.1.0", "uptime_seconds": 0, "active_meetings": 0, "participants": 0, "livekit": "connected", "database": "ok", "redis": "off"})
    );
    assert_eq!(app.get("/ready").await.status, StatusCode::OK);
    app.livekit.fail(true);
    app.advance(1);
    assert_eq!(app.get("/ready").await.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(app.get("/health").await.status, StatusCode::OK);
    assert_eq!(app.get("/version").await.json()["name"], "heydok");
    let config = app.get("/api/v1/config").await.json();
    assert_eq!(
        (&config["limits"]["max_participants"], &config["limits"]["meeting_ttl_seconds"]),
        (&json!(20), &json!(86_400))
    );
    assert_eq!(config["retention"], json!({"chat_seconds": 2_592_000, "guests_seconds": 7_776_000}));
}

/// Metrics need the token where one is set, and the machine itself where none is; no name is in them.
#[tokio::test]
async fn metrics_are_for_the_operator() {
    let app = TestApp::with(&[("METRICS_TOKEN", "a-token-for-metrics-with-32-characters")]).await;
    assert_eq!(app.get("/metrics").await.status, StatusCode::UNAUTHORIZED);
    let wrong = app.get_with("/metrics", "authorization", "Bearer a-token-for-metrics-with-32-characterz").await;
    assert_eq!(wrong.status, StatusCode::UNAUTHORIZED);
    let right = app.get_with("/metrics", "authorization", "Bearer a-token-for-metrics-with-32-characters").await;
    assert_eq!(right.status, StatusCode::OK);
    let app = TestApp::new().await;
    assert_eq!(app.get("/metrics").await.status, StatusCode::UNAUTHORIZED);
    let here = |forwarded: bool| {
        let peer = axum::extract::ConnectInfo(std::net::SocketAddr::from(([127, 0, 0, 1], 50_000)));
        let request = http::Request::get("/metrics").header("host", "localhost:8000").extension(peer);
        let request = if forwarded { request.header("x-forwarded-for", "192.0.2.1") } else { request };
        request.body(axum::body::Body::empty()).unwrap()
    };
    assert_eq!(app.send(here(false)).await.status, StatusCode::OK);
    assert_eq!(
        app.send(here(true)).await.status,
        StatusCode::UNAUTHORIZED,
        "a proxy on this machine is not the operator"
    );
}

/// An operator sees requests by route, joins by outcome, jobs, connections and refusals; whoever asks for strange things makes
/// no new series, and nobody's name is in any.
#[tokio::test]
async fn metrics_tell_what_happens_in_bounded_words() {
    const TOKEN: &str = "a-token-for-metrics-with-32-characters";
    let (metrics, recorder) = Metrics::apart();
    let _counting = metrics::set_default_local_recorder(&recorder);
    let app = TestApp::measured(metrics, &[("METRICS_TOKEN", TOKEN), ("RATE_LIMIT_JOIN", "3/min")]).await;
    let made = app.create(r#"{"name":"Quartalszahlen"}"#).await;
    app.enter(&made.id, "Annegret").await;
    for id in ["abc-defg-hij", "abc-defg-hik", "abc-defg-hij"] {
        app.try_join(id, &json!({"display_name": "Annegret"})).await;
    }
    app.send(request(Method::from_bytes(b"BREW").unwrap(), "/pot/of/coffee").body(axum::body::Body::empty()).unwrap())
        .await;
    app.get(&format!("/{}", "x".repeat(40))).await;
    let scrape = async || app.get_with("/metrics", "authorization", &format!("Bearer {TOKEN}")).await;
    scrape().await;
    let answer = scrape().await;
    assert_eq!(answer.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    let text = answer.text;
    for line in [
        "heydok_active_meetings 1",
        "heydok_participants 1",
        "heydok_livekit_up 1",
        "heydok_jobs_dead 0",
        "heydok_jobs{state=\"queued\"} 0",
        "heydok_joins_total{outcome=\"admitted\"} 1",
        "heydok_joins_total{outcome=\"meeting_not_found\"} 2",
        "heydok_joins_total{outcome=\"rate_limited\"} 1",
        "heydok_join_seconds_count 1",
        "heydok_rate_limited_total{limit=\"join\"} 1",
        "heydok_http_requests_total{method=\"POST\",route=\"/api/v1/meetings/{meeting_id}/join\",status=\"404\"} 2",
        "heydok_http_requests_total{method=\"OTHER\",route=\"other\",status=\"404\"} 1",
        "heydok_http_request_duration_seconds_count{route=\"/metrics\"} 1",
        "heydok_database_connections_max{pool=\"writer\"} 1",
    ] {
        assert!(text.contains(&format!("\n{line}\n")), "{line} is not in {text}");
    }
    assert!(
        text.contains("\nheydok_build_info{version=") && text.contains("\nprocess_resident_memory_bytes "),
        "{text}"
    );
    for private in ["Quartalszahlen", "Annegret", "192.0.2", "hij", &made.id, "xxxx"] {
        assert!(!text.contains(private), "{private} is in {text}");
    }
    for line in text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        let name = line.split(['{', ' ']).next().unwrap();
        let known = NAMES.iter().any(|(_, known)| {
            name.strip_prefix(known).is_some_and(|rest| ["", "_sum", "_count", "_bucket"].contains(&rest))
        });
        assert!(known, "{name} has no help text");
    }
}

/// Everything below /api that is wrong is a problem document with a request id; every page has a strict policy.
#[tokio::test]
async fn every_answer_has_its_headers() {
    let app = TestApp::new().await;
    for (path, status) in
        [("/api/nothing", StatusCode::NOT_FOUND), ("/api/v1/meetings/create", StatusCode::METHOD_NOT_ALLOWED)]
    {
        let answer = app.get(path).await;
        assert_eq!((answer.status, answer.header("content-type")), (status, "application/problem+json"), "{path}");
        assert_eq!(answer.json()["request_id"], answer.header("x-request-id"));
        assert_eq!(answer.json()["instance"], path);
        assert_eq!(answer.header("cache-control"), "no-store");
    }
    // A build without the web client says so on its pages.
    let is_built = std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../web/dist/index.html")).exists();
    let client = if is_built { "<div id=\"root\">" } else { "The web client is not in this build" };
    let pages = ["/", "/meeting/abc-defg-hij", "/meeting.html?id=abc-defg-hij"].map(|path| (path, client));
    for (path, words) in pages.into_iter().chain([("/docs", "heydok"), ("/docs/errors", "meeting_not_found")]) {
        let page = app.get(path).await;
        assert_eq!(page.status, StatusCode::OK, "{path}");
        assert!(page.text.contains(words), "{path}: {}", page.text);
        let policy = page.header("content-security-policy");
        assert!(
            policy.starts_with("default-src 'none'")
                && !policy.contains("http")
                && policy.contains("frame-ancestors 'none'"),
            "{policy}"
        );
        assert_eq!((page.header("x-content-type-options"), page.header("referrer-policy")), ("nosniff", "no-referrer"));
    }
    for (path, target) in [
        ("/abc-defg-hij", "/meeting/abc-defg-hij"),
        ("/abc-defg-hij?lang=de", "/meeting/abc-defg-hij?lang=de"),
        ("/m/ABCDEFGHIJ", "/meeting/abc-defg-hij"),
        ("/m/ABCDEFGHIJ?lang=de", "/meeting/abc-defg-hij?lang=de"),
    ] {
        let moved = app.get(path).await;
        assert_eq!((moved.status, moved.header("location")), (StatusCode::PERMANENT_REDIRECT, target));
    }
}

/// RFC 9116 wants somebody to write to: without SUPPORT_URL there is nobody.
#[tokio::test]
async fn security_txt_names_whom_the_operator_named() {
    let path = "/.well-known/security.txt";
    assert_eq!(TestApp::new().await.get(path).await.status, StatusCode::NOT_FOUND);
    let text = TestApp::with(&[("SUPPORT_URL", "mailto:help@example.org")]).await.get(path).await.text;
    assert!(text.starts_with("Contact: mailto:help@example.org\nExpires: 20"), "{text}");
}

/// The page may talk to the media server that LIVEKIT_URL names, by WebSocket and by HTTP, and to no other host.
#[tokio::test]
async fn the_policy_admits_the_media_server_and_nothing_more() {
    const KEYS: [(&str, &str); 2] =
        [("LIVEKIT_API_KEY", "k"), ("LIVEKIT_API_SECRET", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")];
    let cases: [(&[(&str, &str)], &str); 6] = [
        (&[], "'self'"),
        (&[("LIVEKIT_URL", "wss://lk.test")], "'self' wss://lk.test https://lk.test"),
        (&[("LIVEKIT_URL", "https://lk.test:444/")], "'self' wss://lk.test:444 https://lk.test:444"),
        (&[("LIVEKIT_URL", "ws://127.0.0.1:7880")], "'self' ws://127.0.0.1:7880 http://127.0.0.1:7880"),
        // What only this process talks to is none of the page's business.
        (
            &[("LIVEKIT_URL", "wss://lk.test"), ("LIVEKIT_HOST", "http://10.0.0.9:7880")],
            "'self' wss://lk.test https://lk.test",
        ),
        // Rooms are joined at the public address, even by who opened the page at another one.
        (&[("FRONTEND_URL", "https://meet.test")], "'self' wss://meet.test https://meet.test"),
    ];
    for (settings, expected) in cases {
        let app = TestApp::with(&[settings, &KEYS].concat()).await;
        let page = app.get("/meeting/abc-defg-hij").await;
        let policy = page.header("content-security-policy");
        let sources = policy.split("; ").find_map(|directive| directive.strip_prefix("connect-src "));
        assert_eq!(sources, Some(expected), "{settings:?}");
        assert_eq!(policy.matches("://").count(), expected.matches("://").count(), "{policy}");
    }
}

/// DEBUG tells the cause of a server error to who sits at the machine, and to nobody else.
#[tokio::test]
async fn debug_tells_causes_at_the_machine_only() {
    let cause = async |debug: &str, peer: [u8; 4]| {
        let app = TestApp::with(&[("DEBUG", debug)]).await;
        app.livekit.fail(true);
        let peer = axum::extract::ConnectInfo(std::net::SocketAddr::from((peer, 50_000)));
        let request = http::Request::post("/api/v1/meetings/create").header("host", "localhost").extension(peer);
        let answer = app.send(request.body(axum::body::Body::empty()).unwrap()).await;
        assert_eq!(answer.code(), "room_create_failed");
        answer.json()["cause"].is_string()
    };
    assert!(cause("true", [127, 0, 0, 1]).await);
    assert!(!cause("true", [192, 0, 2, 1]).await);
    assert!(!cause("false", [127, 0, 0, 1]).await);
}

/// Listed origins may send credentials; everybody may read and join; nobody else may create.
#[tokio::test]
async fn origins_are_listed_exactly() {
    let app = TestApp::with(
        &[&[("CORS_ORIGINS", "https://intranet.test"), ("FRONTEND_URL", "https://meet.test")], UNLIMITED].concat(),
    )
    .await;
    let ask = async |origin: &str, path: &str| {
        let request =
            request(Method::OPTIONS, path).header("origin", origin).header("access-control-request-method", "POST");
        let answer = app.send(request.body(axum::body::Body::empty()).unwrap()).await;
        assert_eq!(answer.status, StatusCode::NO_CONTENT);
        (
            answer.header("access-control-allow-origin").to_owned(),
            answer.header("access-control-allow-credentials").to_owned(),
        )
    };
    let pair = |origin: &str, credentials: &str| (origin.to_owned(), credentials.to_owned());
    assert_eq!(ask("https://intranet.test", "/api/v1/meetings/create").await, pair("https://intranet.test", "true"));
    assert_eq!(ask("https://meet.test", "/api/v1/meetings/create").await, pair("https://meet.test", "true"));
    assert_eq!(ask("https://evil.test", "/api/v1/meetings/create").await, pair("", ""));
    assert_eq!(ask("https://evil.test", "/api/v1/meetings/abc-defg-hij/join").await, pair("*", ""));
    assert_eq!(ask("https://evil.test", "/api/v1/meetings/abc-defg-hij/chat").await, pair("", ""));
    assert_eq!(ask("null", "/api/v1/meetings/create").await, pair("", ""));
}

/// The documents are made of the handlers, and can be switched off.
#[tokio::test]
async fn documents_are_served() {
    let app = TestApp::new().await;
    let document = app.get("/openapi.json").await.json();
    for path in [
        "/api/v1/meetings/create",
        "/api/v1/meetings/{meeting_id}/join",
        "/api/v1/meetings/{meeting_id}/chat",
        "/api/webhooks/livekit",
        "/health",
    ] {
        assert!(document["paths"][path].is_object(), "{path}");
        assert!(app.get("/docs").await.text.contains(path), "{path}");
    }
    assert!(app.get("/docs/errors").await.text.contains("id=\"meeting_not_found\""));
    assert_eq!(app.get("/docs/postman.json").await.json()["info"]["name"], "heydok");
    assert_eq!(TestApp::with(&[("DOCS", "off")]).await.get("/docs").await.status, StatusCode::NOT_FOUND);
}

/// A proxy on the same machine makes nobody the operator: neither its own name, nor what it says of whom it forwards for.
#[tokio::test]
async fn a_local_proxy_opens_nothing() {
    let app = TestApp::new().await;
    let ask = async |path: &str, host: &str, header: (&str, &str)| {
        let request = http::Request::builder()
            .uri(path)
            .header("host", host)
            .header(header.0, header.1)
            .extension(axum::extract::ConnectInfo(std::net::SocketAddr::from(([127, 0, 0, 1], 9))));
        app.send(request.body(axum::body::Body::empty()).unwrap()).await
    };
    for (host, header, open) in [
        ("localhost:8000", ("accept", "*/*"), true),
        ("meet.example.org", ("accept", "*/*"), false),
        ("localhost:8000", ("x-forwarded-for", "203.0.113.7"), false),
        ("localhost:8000", ("origin", "https://evil.test"), false),
    ] {
        let metrics = ask("/metrics", host, header).await.status;
        assert_eq!(metrics == StatusCode::OK, open, "{host} {header:?} {metrics}");
        assert_eq!(ask("/health", host, header).await.json()["participants"].is_i64(), open, "{host} {header:?}");
    }
}

/// However often anybody asks, the database and the media server are asked once a second.
#[tokio::test]
async fn asking_whether_it_is_ready_costs_little() {
    let app = TestApp::with(&[("HEALTH_DETAILS", "on"), ("RATE_LIMIT_OTHER", "1/minute")]).await;
    for round in 0..2 {
        let asked =
            futures::future::join_all((0..20).map(|n| app.get(if n % 2 == 0 { "/ready" } else { "/health" }))).await;
        assert!(asked.iter().all(|answer| answer.status == StatusCode::OK), "supervisors never hear 429");
        assert_eq!(app.livekit.take_calls(), ["ListRooms"], "{round}");
        app.advance(1);
    }
}

/// A wrong query is answered like a wrong body: each error says where it is. And it can be read by whoever takes compressed
/// answers, because the error replaces a body that may have been compressed.
#[tokio::test]
async fn a_wrong_query_names_its_parameter() {
    let app = TestApp::new().await;
    let made = app.create("").await;
    let joined = app.enter(&made.id, "Anna").await;
    let chat = format!("/api/v1/meetings/{}/chat", made.id);
    let people = format!("/api/v1/meetings/{}/participants", made.id);
    for (path, parameter) in [
        (format!("{chat}?limit=abc"), Some("limit")),
        (format!("{chat}?limit=500"), Some("limit")),
        (format!("{people}?include=everybody"), Some("include")),
        (format!("{people}?include=left&include=left"), None),
    ] {
        let request = request(Method::GET, &path)
            .header("accept-encoding", "gzip")
            .header("authorization", format!("Bearer {}", joined.token));
        let answer = app.send(request.body(axum::body::Body::empty()).unwrap()).await;
        assert_eq!((answer.status, answer.headers.get("content-encoding")), (StatusCode::UNPROCESSABLE_ENTITY, None));
        let problem = answer.json();
        let mut loc = vec!["query"];
        loc.extend(parameter);
        assert_eq!(
            (&problem["code"], &problem["errors"][0]["loc"]),
            (&json!("validation_failed"), &json!(loc)),
            "{path}"
        );
    }
}

/// Every call counts: by method and route, not by how its path ends.
#[tokio::test]
async fn no_call_of_the_api_is_free() {
    let (get, post) = (Method::GET, Method::POST);
    for (method, path, body) in [
        (&get, "/api/v1/meetings/abc-defg-hij/chat", ""),
        (&post, "/api/v1/meetings/abc-defg-hij/chat", r#"{"text":"x"}"#),
        (&get, "/api/v1/meetings/abc-defg-hij/join", ""),
        (&get, "/api/v1/meetings/create", ""),
        (&get, "/api/nothing/join", ""),
        (&get, "/docs", ""),
        (&get, "/openapi.json", ""),
        (&get, "/metrics", ""),
        // Nor is one that cannot be read.
        (&post, "/api/v1/meetings/create", "{"),
        (&post, "/api/v1/meetings/abc-defg-hij/join", "{}"),
    ] {
        let limits = ["OTHER", "CREATE", "JOIN"].map(|name| format!("RATE_LIMIT_{name}"));
        let mut settings: Vec<_> = limits.iter().map(|name| (name.as_str(), "2/minute")).collect();
        settings.push(("RATE_LIMIT_MISS", "off"));
        let app = TestApp::with(&settings).await;
        let mut limited = Vec::new();
        for _ in 0..3 {
            let request = request(method.clone(), path);
            let answer = app.send(request.body(axum::body::Body::from(body)).unwrap()).await;
            limited.push(answer.status == StatusCode::TOO_MANY_REQUESTS);
        }
        assert_eq!(limited, [false, false, true], "{method} {path}");
    }
}
