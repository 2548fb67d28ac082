//! Frame headers, with the three encodings of a length.

use divan::{Bencher, black_box};
use micro::KEY;
use tungstenite::protocol::frame::FrameHeader;
use tungstenite::protocol::frame::coding::{Data, OpCode};
use ws::proto::frame::{Header, Opcode};

const LENGTHS: &[u64] = &[100, 1 << 10, 1 << 20];

fn main() {
    divan::main();
}

fn header(len: u64) -> Header {
    Header { mask: Some(KEY), ..Header::new(Opcode::Binary, len) }
}

mod encode {
    use super::*;

    #[divan::bench(args = LENGTHS)]
    fn ours(bencher: Bencher<'_, '_>, len: u64) {
        let mut out = Vec::with_capacity(16);
        bencher.bench_local(|| {
            out.clear();
            let (head, used) = Header::new(Opcode::Binary, black_box(len)).encode();
            out.extend_from_slice(&head[..used]);
            black_box(out.len())
        });
    }

    #[divan::bench(args = LENGTHS)]
    fn tungstenite(bencher: Bencher<'_, '_>, len: u64) {
        let mut out = Vec::with_capacity(16);
        let header = FrameHeader { opcode: OpCode::Data(Data::Binary), ..FrameHeader::default() };
        bencher.bench_local(|| {
            out.clear();
            header.format(black_box(len), &mut out).expect("memory takes it");
            black_box(out.len())
        });
    }

    #[divan::bench(args = LENGTHS)]
    fn sockudo_ws(bencher: Bencher<'_, '_>, len: u64) {
        use sockudo_ws::frame::{OpCode, encode_frame_header};
        let mut out = bytes::BytesMut::with_capacity(16);
        bencher.bench_local(|| {
            out.clear();
            encode_frame_header(&mut out, OpCode::Binary, black_box(len) as usize, true, None);
            black_box(out.len())
        });
    }
}

mod decode {
    use super::*;

    #[divan::bench(args = LENGTHS)]
    fn ours(bencher: Bencher<'_, '_>, len: u64) {
        let (head, used) = header(len).encode();
        bencher.bench_local(|| Header::decode(black_box(&head[..used])));
    }

    #[divan::bench(args = LENGTHS)]
    fn tungstenite(bencher: Bencher<'_, '_>, len: u64) {
        let (head, used) = header(len).encode();
        bencher.bench_local(|| {
            let mut cursor = std::io::Cursor::new(black_box(&head[..used]));
            FrameHeader::parse(&mut cursor).expect("it is valid")
        });
    }
}
