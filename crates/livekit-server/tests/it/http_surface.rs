//! What each path answers to whom: statuses, bodies, CORS.

use axum::body::Body;
use http::Request;
use livekit_server::ClientIp;
use node::token::{Claims, VideoGrant, sign};

use super::support::{
    SECRET, ask, claims, config, get, join, join_grant, join_request, join_token, now_s, serve, server_token, start,
    token,
};

/// Each defect of a request to `validate` has the status and words that clients know.
#[tokio::test]
async fn validate_tells_each_defect() {
    let mut settings = config();
    settings.room.auto_create = false;
    let handle = livekit_server::Server::start(settings).unwrap();
    let router = handle.router();
    let create = serde_json::json!({"name": "meeting-x"});
    super::support::room_service(&router, &server_token(""), "CreateRoom", &create).await;

    let good = join_token("anna", "meeting-x");
    let expired = sign(&Claims { exp: Some(now_s() - 120), ..claims("anna", join_grant("meeting-x")) }, SECRET);
    let endless = sign(&Claims { exp: None, ..claims("anna", join_grant("meeting-x")) }, SECRET);
    let forged = sign(&claims("anna", join_grant("meeting-x")), "another secret");
    let foreign = sign(&Claims { iss: "who".into(), ..claims("anna", join_grant("meeting-x")) }, SECRET);
    let no_grant = sign(&Claims { video: None, ..claims("anna", VideoGrant::default()) }, SECRET);
    let no_join = token("anna", VideoGrant { room: "meeting-x".into(), ..VideoGrant::default() });
    let nobody = join_token("", "meeting-x");
    let nowhere = join_token("anna", "");
    let missing = join_token("anna", "meeting-y");
    let join = join_request();

    let cases = [
        ("/rtc/validate", good.clone(), "", 200, "success"),
        ("//rtc/validate", good.clone(), "", 200, "success"),
        ("/rtc/v1/validate", good.clone(), &*join, 200, "success"),
        ("//rtc/v1/validate", good.clone(), &*join, 200, "success"),
        ("/rtc/validate", String::new(), "", 401, "permissions denied"),
        ("/rtc/validate", "nonsense".into(), "", 401, "invalid authorization token"),
        ("/rtc/validate", foreign, "", 401, "invalid API key"),
        ("/rtc/validate", forged, "", 401, "invalid authorization token: token signature is wrong"),
        ("/rtc/validate", expired.clone(), "", 401, "invalid authorization token: token is expired or has no expiry"),
        ("/rtc/v1/validate", expired, &join, 401, "invalid authorization token: token is expired or has no expiry"),
        ("/rtc/validate", endless, "", 401, "invalid authorization token: token is expired or has no expiry"),
        ("/rtc/validate", no_grant, "", 401, "permissions denied"),
        ("/rtc/validate", no_join, "", 401, "permissions denied"),
        ("/rtc/validate", nobody, "", 400, "identity cannot be empty"),
        ("/rtc/validate", nowhere, "", 400, "room name cannot be empty"),
        ("/rtc/validate", missing.clone(), "", 404, "requested room does not exist"),
        ("/rtc/v1/validate", missing, &join, 404, "requested room does not exist"),
        ("/rtc/v1/validate", good.clone(), "", 400, "join_request is required"),
        ("/rtc/v1/validate", good.clone(), "!!", 400, "cannot base64 decode wrapped join request"),
        ("/rtc/v1/validate", good.clone(), "_____w", 400, "cannot unmarshal wrapped join request"),
    ];
    for (path, token, join, status, body) in cases {
        let mut uri = format!("{path}?access_token={token}");
        if !join.is_empty() {
            uri += &format!("&join_request={join}");
        }
        let (found, headers, text) = ask(&router, Request::get(&uri).body(Body::empty()).unwrap()).await;
        let text = String::from_utf8(text).unwrap();
        assert_eq!((found.as_u16(), text.as_str()), (status, body), "{path} {body}");
        assert_eq!(headers["access-control-allow-origin"], "*", "a browser must be able to read: {path} {body}");
    }
    handle.shutdown().await;
}

/// The header wins over the parameter, and only the Bearer scheme is read.
#[tokio::test]
async fn the_authorization_header_wins() {
    let handle = start();
    let router = handle.router();
    let good = join_token("anna", "meeting-x");
    let cases = [
        (format!("Bearer {good}"), "nonsense".to_owned(), 200),
        ("Bearer nonsense".to_owned(), good.clone(), 401),
        (format!("Basic {good}"), good.clone(), 401),
        (good.clone(), good.clone(), 401),
    ];
    for (header, parameter, status) in cases {
        let request = Request::get(format!("/rtc/validate?access_token={parameter}"));
        let request = request.header("authorization", &header).body(Body::empty()).unwrap();
        assert_eq!(ask(&router, request).await.0.as_u16(), status, "{header}");
    }
    handle.shutdown().await;
}

/// Without an upgrade the signalling paths do not exist, and do not hint at anything.
#[tokio::test]
async fn signalling_paths_without_an_upgrade_are_not_found() {
    let handle = start();
    let router = handle.router();
    let token = join_token("anna", "meeting-x");
    for path in ["/rtc", "//rtc", "/rtc/v1", "/settings/regions"] {
        assert_eq!(
            get(&router, &format!("{path}?access_token={token}")).await,
            (http::StatusCode::NOT_FOUND, String::new())
        );
    }
    assert_eq!(get(&router, "/rtc?access_token=nonsense").await.0, 401);
    handle.shutdown().await;
}

/// Beside an API the root belongs to the product; alone it says that the server lives.
#[tokio::test]
async fn root_and_health_answer_only_where_the_server_is_alone() {
    let handle = start();
    for (router, expected) in [(handle.router(), 404), (handle.standalone_router(), 200)] {
        for path in ["/", "/health"] {
            assert_eq!(get(&router, path).await.0.as_u16(), expected, "{path}");
        }
        assert_eq!(get(&router, "/nothing").await.0, 404);
    }
    let router = handle.standalone_router();
    assert_eq!(get(&router, "/").await.1, "OK");
    let (status, headers, body) = ask(&router, Request::head("/").body(Body::empty()).unwrap()).await;
    assert_eq!((status.as_u16(), body.len()), (200, 0));
    assert_eq!(headers["access-control-allow-origin"], "*");
    handle.shutdown().await;
}

/// A browser may send its Authorization header and JSON to all of it, and keeps that for a day.
#[tokio::test]
async fn preflights_allow_what_clients_send() {
    let handle = start();
    for path in ["/rtc/v1/validate", "/twirp/livekit.RoomService/ListRooms"] {
        let request = Request::options(path)
            .header("origin", "https://elsewhere.example")
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "authorization,content-type")
            .body(Body::empty())
            .unwrap();
        let (status, headers, _) = ask(&handle.router(), request).await;
        assert_eq!(status, 200);
        assert_eq!(headers["access-control-allow-headers"], "authorization,content-type");
        assert_eq!(headers["access-control-max-age"], "86400");
        assert!(headers["access-control-allow-methods"].to_str().unwrap().contains("POST"));
    }
    handle.shutdown().await;
}

/// Where the operator says so, a client network has its share of calls, however many it asks for; who left makes room.
#[tokio::test]
async fn one_network_has_its_share_of_calls() {
    let mut settings = config();
    settings.connections_per_address = 1;
    let handle = livekit_server::Server::start(settings).unwrap();
    let from = |ip: &str| handle.router().layer(axum::Extension(ClientIp(ip.parse().unwrap())));
    let (here, there) = (from("203.0.113.9"), from("203.0.113.10"));
    let address = serve(here.clone()).await;
    let validate = format!("/rtc/validate?access_token={}", join_token("ben", "meeting-x"));
    let socket = join(address, "anna", "meeting-x").await;
    assert_eq!(get(&here, &validate).await.0, 429);
    assert_eq!(get(&there, &validate).await.0, 200);
    drop(socket);
    let again = async {
        while get(&here, &validate).await.0 != 200 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), again).await.expect("there is room again");
    handle.shutdown().await;
}

/// Clients are told the ports that the settings say, not those that are bound here.
#[tokio::test]
async fn advertised_ports_are_those_of_the_settings() {
    let mut settings = config();
    (settings.rtc.advertised_udp_port, settings.rtc.advertised_tcp_port) = (Some(40_000), Some(443));
    let handle = livekit_server::Server::start(settings).unwrap();
    let told: Vec<u16> = handle.addresses().candidates.iter().map(|one| one.advertised.port()).collect();
    assert_eq!(told, [40_000, 443]);
    assert!(handle.addresses().candidates.iter().all(|one| ![40_000, 443].contains(&one.bound.port())));
    handle.shutdown().await;
}
