//! yawc. `--buffer` is the capacity of its read buffer, with half as much for what is written before it is flushed: 128 KiB are
//! what its own benchmarks use.

use bytes::Bytes;
use http_body_util::Empty;
use hyper::body::Incoming;
use hyper::{Request, Response};
use peers::{Args, Batch, DEFLATE_LEVEL, Hub, Work};
use tokio::net::TcpStream;
use yawc::{CompressionLevel, Frame, OpCode, Options, WebSocket};

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    peers::serve(Args::read(), connection).await
}

async fn connection(stream: TcpStream, args: Args, hub: Hub) {
    let upgrade = move |request| upgrade(request, args.clone(), hub.clone());
    let io = hyper_util::rt::TokioIo::new(stream);
    let service = hyper::service::service_fn(upgrade);
    let http = hyper::server::conn::http1::Builder::new();
    let _ = http.serve_connection(io, service).with_upgrades().await;
}

fn options(args: &Args) -> Options {
    // Room for the largest message, and text checked, as by everybody else.
    let mut options = Options::default().with_limits(2 << 20, 4 << 20).with_utf8();
    if let Some(size) = args.buffer {
        options = options.with_read_buffer_capacity(size).with_backpressure_boundary(size / 2);
    }
    if args.deflate {
        options = options
            .with_compression_level(CompressionLevel::new(DEFLATE_LEVEL))
            .client_no_context_takeover();
    }
    options
}

async fn upgrade(
    mut request: Request<Incoming>,
    args: Args,
    hub: Hub,
) -> yawc::Result<Response<Empty<Bytes>>> {
    let (response, upgraded) = WebSocket::upgrade_with_options(&mut request, options(&args))?;
    tokio::spawn(async move {
        let Ok(socket) = upgraded.await else { return };
        match args.work {
            Work::Echo => _ = peers::echo(socket, args.batch, Batch::Queue, data).await,
            Work::Broadcast => {
                let payload = |frame| data(frame).map(Frame::into_payload);
                peers::broadcast(socket, hub, payload, |bytes: Bytes| Frame::binary(bytes)).await;
            }
        }
    });
    Ok(response)
}

fn data(frame: Frame) -> Option<Frame> {
    matches!(frame.opcode(), OpCode::Text | OpCode::Binary).then_some(frame)
}
