//! rust-spiffe as a peer of the tests in test/peers: what the commands do and print stands in
//! test/peers/language-peer.ts. Each prints JSON lines, and serves on a free port of 127.0.0.1 until it is told to stop.

mod grpc;
mod https;
mod transport;
mod workload;

use std::collections::HashMap;
use std::error::Error;

use serde_json::{Value, json};
use tokio::signal::unix::{SignalKind, signal};

type Outcome = Result<(), Box<dyn Error + Send + Sync>>;

/// The flags of all commands, without their dashes.
struct Options(HashMap<String, String>);

impl Options {
    fn parse(args: &[String]) -> Self {
        let pairs = args.chunks_exact(2);
        Self(pairs.map(|it| (it[0].trim_start_matches("--").to_owned(), it[1].clone())).collect())
    }

    fn get(&self, name: &str) -> Result<&str, String> {
        self.0.get(name).map(String::as_str).ok_or_else(|| format!("--{name} is missing"))
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let command = args.first().map_or("", String::as_str).to_owned();
    let options = Options::parse(args.get(1..).unwrap_or_default());
    let mut stop = signal(SignalKind::terminate())?;
    tokio::select! {
        _ = stop.recv() => {}
        // A peer that is refused is an answer, not a failure of this program.
        ended = run(&command, &options) => if let Err(error) = ended {
            print(&json!({ "error": describe(error.as_ref()) }));
        },
    }
    Ok(())
}

async fn run(command: &str, options: &Options) -> Outcome {
    match command {
        "https-server" => https::serve(options).await,
        "https-client" => https::call(options).await,
        "grpc-server" => grpc::serve(options).await,
        "grpc-client" => grpc::call(options).await,
        "watch" => workload::watch(options).await,
        "jwt-fetch" => workload::fetch_token(options).await,
        "jwt-validate" => workload::validate_token(options).await,
        _ => Err(format!("no such command: {command}").into()),
    }
}

fn print(line: &Value) {
    println!("{line}");
}

/// With its causes: tonic and hyper wrap what rustls says.
fn describe(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}
