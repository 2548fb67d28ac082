//! Our server: the handshake, and which path leads where.

use std::io::Write;
use std::sync::Arc;

use http::{HeaderValue, StatusCode, header};
use tokio::io::AsyncReadExt;
use ws::handshake::{Origins, Rejection};
use ws::server::Incoming;
use ws::{CloseCode, Config, Server, ServerConfig};

use crate::reports::Reports;
use crate::{Api, Result, eager, lively, pull, push};

pub const REASON: &str = "enough – 今日は";

pub fn enough() -> CloseCode {
    CloseCode::new(4321).expect("it is in the range for applications")
}

/// What a client asked for.
#[derive(Clone)]
pub struct Place {
    pub path: Path,
    pub id: String,
    pub reports: Arc<Reports>,
}

#[derive(Clone, Copy)]
pub enum Path {
    Echo,
    Ping,
    Close,
    Drop,
    Report,
}

pub async fn run(api: Api, deflate: bool, websocket: Config) -> Result {
    let mut config = ServerConfig::default();
    config.websocket = lively(websocket);
    config.subprotocols = vec!["v2.chat".into(), "v1.chat".into()];
    config.origins = Origins::Any;
    config.deflate = deflate.then(eager);
    let reports = Arc::<Reports>::default();
    let server = Server::bind_with("127.0.0.1:0", config).await?;
    writeln!(std::io::stdout(), "ws://{}", server.local_addr()?)?;
    let server = server.on_request(async move |client: Incoming| {
        let place = place(client.request().uri(), reports)?;
        Ok(client.accept().attach(place))
    });
    let mut stdin = tokio::io::stdin();
    let mut nothing = [0];
    tokio::select! {
        () = serve(api, server) => {}
        read = stdin.read(&mut nothing) => { read?; }
    }
    Ok(())
}

async fn serve(api: Api, server: Server) {
    match api {
        Api::Pull => {
            server
                .serve(async |socket: ws::WebSocket| {
                    let place = socket.get::<Place>().ok_or("not attached")?.clone();
                    pull::serve(socket, place).await
                })
                .await;
        }
        Api::Push => {
            server
                .serve_with(|request| {
                    let place = request.extensions().get::<Place>();
                    push::Push(place.expect("each request has one").clone())
                })
                .await;
        }
    }
}

fn place(uri: &http::Uri, reports: Arc<Reports>) -> std::result::Result<Place, Rejection> {
    let path = match uri.path() {
        "/echo" => Path::Echo,
        "/ping" => Path::Ping,
        "/close" => Path::Close,
        "/drop" => Path::Drop,
        "/report" => Path::Report,
        "/refuse" => {
            let basic = HeaderValue::from_static("Basic");
            return Err(Rejection::new(StatusCode::UNAUTHORIZED, "who are you?")
                .header(header::WWW_AUTHENTICATE, basic));
        }
        _ => return Err(Rejection::new(StatusCode::NOT_FOUND, "no such path")),
    };
    let id = uri.query().and_then(|query| query.strip_prefix("id=")).unwrap_or_default();
    Ok(Place { path, id: id.to_owned(), reports })
}
