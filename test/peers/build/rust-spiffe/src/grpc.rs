//! `grpc.health.v1.Health` by tonic over the mTLS of spiffe-rustls.

use std::error::Error;

use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::{Endpoint, Server};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::{Options, Outcome, print, transport};

const ALPN: &[u8] = b"h2";

pub async fn serve(options: &Options) -> Outcome {
    let accepted = ReceiverStream::new(transport::accept(options, ALPN).await?);
    let connections = accepted.map(|(stream, identity)| {
        // tonic serves whatever comes over this connection.
        print(&json!({ "event": "request", "peer": identity.require_spiffe_id()?.to_string() }));
        Ok::<_, Box<dyn Error + Send + Sync>>(stream)
    });
    let (_reporter, health) = tonic_health::server::health_reporter();
    Server::builder().add_service(health).serve_with_incoming(connections).await?;
    Ok(())
}

pub async fn call(options: &Options) -> Outcome {
    let stream = transport::connect(options, ALPN).await?;
    // One connection, and no second one after it.
    let mut only = Some(TokioIo::new(stream));
    let connector = tower::service_fn(move |_uri| {
        let stream = only.take().ok_or_else(|| std::io::Error::other("the connection is gone"));
        async { stream }
    });
    let channel = Endpoint::from_static("http://localhost").connect_with_connector(connector).await?;
    let mut client = HealthClient::new(channel);
    let checked = client.check(HealthCheckRequest::default()).await?.into_inner().status();
    let mut stream = client.watch(HealthCheckRequest::default()).await?.into_inner();
    let watched = stream.message().await?.map_or(ServingStatus::Unknown, |it| it.status());
    if watched != checked {
        return Err(format!("Check says {checked:?}, Watch {watched:?}").into());
    }
    print(&json!({ "body": checked.as_str_name() }));
    Ok(())
}
