//! mTLS as spiffe-rustls makes it, for HTTP/1.1 and for gRPC.

use std::error::Error;
use std::sync::Arc;

use serde_json::json;
use spiffe::X509Source;
use spiffe_rustls::{authorizer, mtls_client, mtls_server};
use spiffe_rustls_tokio::{PeerIdentity, TlsAcceptor, TlsConnector};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::{client, server};

use crate::{Options, describe, print};

type Failure = Box<dyn Error + Send + Sync>;

/// A client that was let in.
pub type Accepted = (server::TlsStream<TcpStream>, PeerIdentity);

pub async fn source(options: &Options) -> Result<X509Source, Failure> {
    Ok(X509Source::builder().endpoint(options.get("workload-api")?).build().await?)
}

/// Listens, and hands over those clients whose handshake came to a good end.
pub async fn accept(options: &Options, alpn: &'static [u8]) -> Result<mpsc::Receiver<Accepted>, Failure> {
    let config = mtls_server(source(options).await?)
        .authorize(authorizer::exact([options.get("authorize")?])?)
        .with_alpn_protocols([alpn])
        .build()?;
    let acceptor = TlsAcceptor::new(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    print(&json!({ "event": "listening", "port": listener.local_addr()?.port() }));
    let (sender, accepted) = mpsc::channel(1);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            match acceptor.accept(stream).await {
                Ok(client) => drop(sender.send(client).await),
                Err(error) => print(&json!({ "event": "refused", "reason": describe(&error) })),
            }
        }
    });
    Ok(accepted)
}

pub async fn connect(options: &Options, alpn: &'static [u8]) -> Result<client::TlsStream<TcpStream>, Failure> {
    let config = mtls_client(source(options).await?)
        .authorize(authorizer::exact([options.get("authorize")?])?)
        .with_alpn_protocols([alpn])
        .build()?;
    // The name is not what tells the server: its SPIFFE ID is.
    let name = ServerName::try_from("localhost")?;
    let stream = TcpStream::connect(options.get("address")?).await?;
    Ok(TlsConnector::new(Arc::new(config)).connect(name, stream).await?.0)
}
