//! What the Workload API hands out, and tokens.

use serde_json::{Map, Value, json};
use spiffe::{JwtSource, JwtSvid, WorkloadApiClient, X509Context};
use tokio_stream::StreamExt;
use x509_parser::parse_x509_certificate;

use crate::{Options, Outcome, print};

pub async fn watch(options: &Options) -> Outcome {
    let client = WorkloadApiClient::connect_to(options.get("workload-api")?).await?;
    let mut updates = client.stream_x509_contexts().await?;
    while let Some(update) = updates.next().await {
        print(&describe(&update?)?);
    }
    Ok(())
}

fn describe(context: &X509Context) -> Result<Value, Box<dyn std::error::Error + Send + Sync>> {
    let svid = context.default_svid().ok_or("no SVID")?;
    let (_, leaf) = parse_x509_certificate(svid.leaf().as_bytes())?;
    let bundles: Map<String, Value> = context
        .bundle_set()
        .iter()
        .map(|(trust_domain, bundle)| (trust_domain.to_string(), json!(bundle.authorities().len())))
        .collect();
    Ok(json!({
        "event": "update",
        "id": svid.spiffe_id().to_string(),
        "serial": format!("{:X}", leaf.tbs_certificate.serial),
        "bundles": bundles,
    }))
}

pub async fn fetch_token(options: &Options) -> Outcome {
    let client = WorkloadApiClient::connect_to(options.get("workload-api")?).await?;
    let token = client.fetch_jwt_token([options.get("audience")?], None).await?;
    print(&json!({ "token": token }));
    Ok(())
}

/// Offline, by the bundles that the Workload API handed out.
pub async fn validate_token(options: &Options) -> Outcome {
    let source = JwtSource::builder().endpoint(options.get("workload-api")?).build().await?;
    let svid = JwtSvid::parse_and_validate(options.get("token")?, &source, &[options.get("audience")?])?;
    print(&json!({ "id": svid.spiffe_id().to_string() }));
    Ok(())
}
