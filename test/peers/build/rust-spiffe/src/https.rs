//! HTTP/1.1 by hyper over the mTLS of spiffe-rustls.

use std::convert::Infallible;

use http_body_util::{BodyExt, Empty, Full};
use hyper::body::Bytes;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::json;

use crate::{Options, Outcome, print, transport};

const ALPN: &[u8] = b"http/1.1";

pub async fn serve(options: &Options) -> Outcome {
    let mut accepted = transport::accept(options, ALPN).await?;
    while let Some((stream, identity)) = accepted.recv().await {
        let peer = identity.require_spiffe_id()?.to_string();
        let answer = service_fn(move |_request| {
            print(&json!({ "event": "request", "peer": peer }));
            let body = Full::new(Bytes::from(format!("Hello {peer}")));
            async { Ok::<_, Infallible>(Response::new(body)) }
        });
        tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), answer));
    }
    Ok(())
}

pub async fn call(options: &Options) -> Outcome {
    let stream = transport::connect(options, ALPN).await?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    // Its error is that of the request, too.
    tokio::spawn(connection);
    let request = Request::get("/").header("host", options.get("address")?).body(Empty::<Bytes>::new())?;
    let body = sender.send_request(request).await?.into_body().collect().await?.to_bytes();
    print(&json!({ "body": String::from_utf8_lossy(&body) }));
    Ok(())
}
