//! Events that server and client agree on in one place, so that the compiler holds both to them. In a real program the module `api`
//! would be a crate of its own, on which both depend.
//!
//! ```sh
//! cargo run --example typed_events
//! ```

use sio::client::Client;
use sio::server::{Io, Socket};

mod api {
    use serde::{Deserialize, Serialize};

    #[derive(Debug, Clone, Serialize, Deserialize)]
    pub(crate) struct Order {
        pub(crate) item: String,
        pub(crate) count: u32,
    }

    sio::events! {
        /// Somebody orders something; the answer is what it costs.
        pub(crate) PlaceOrder = "place order": Order => f64;
        /// To all: so many are left of this.
        pub(crate) Stock = "stock": (String, u32);
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let io = Io::new();
    io.on_connect(async |socket: Socket| {
        socket.event(api::PlaceOrder).on(async |socket, order| {
            socket.io().event(api::Stock).emit((order.item, 100 - order.count))?;
            Ok::<_, sio::server::EmitError>(f64::from(order.count) * 0.25)
        });
    });
    let listening = io.bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listening.local_addr()?);
    let serving = tokio::spawn(listening.serve());

    let socket = Client::builder(url)
        .event(api::Stock)
        .on(async |_, (item, left)| println!("{left} of {item} are left"))
        .connect()
        .await?;
    let order = api::Order { item: "apple".into(), count: 12 };
    let price = socket.event(api::PlaceOrder).emit_with_ack(&order).await?;
    println!("12 apples cost {price}");
    socket.disconnect();
    serving.abort();
    Ok(())
}
