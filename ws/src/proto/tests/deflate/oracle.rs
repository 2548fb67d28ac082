//! A second opinion: DEFLATE (RFC 1951) read slowly and plainly, which also tells how far back it was referred to.

/// What became of a message: all output, `history` before it, and the longest distance.
pub(super) fn inflate(history: &mut Vec<u8>, payload: &[u8]) -> (Vec<u8>, usize) {
    let mut bytes = payload.to_vec();
    bytes.extend([0x00, 0x00, 0xFF, 0xFF]);
    let start = history.len();
    let mut bits = Bits { bytes: &bytes, at: 0 };
    let mut farthest = 0;
    while bits.at < bytes.len() * 8 {
        assert_eq!(bits.take(1), 0, "BFINAL is never set by us");
        match bits.take(2) {
            0 => stored(&mut bits, history),
            1 => {
                let mut lengths = [8; 288];
                lengths[144..256].fill(9);
                lengths[256..280].fill(7);
                let codes = (Code::new(&lengths), Code::new(&[5; 30]));
                farthest = farthest.max(codes_of(&mut bits, history, &codes));
            }
            2 => {
                let codes = dynamic(&mut bits);
                farthest = farthest.max(codes_of(&mut bits, history, &codes));
            }
            _ => panic!("a reserved type of block"),
        }
    }
    (history[start..].to_vec(), farthest)
}

struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Bits<'_> {
    fn take(&mut self, count: usize) -> usize {
        (0..count).map(|i| self.bit() << i).sum()
    }

    fn bit(&mut self) -> usize {
        let bit = self.bytes[self.at / 8] >> (self.at % 8) & 1;
        self.at += 1;
        bit.into()
    }
}

/// A canonical Huffman code: how many codes there are of each length, and their symbols in order.
struct Code {
    counts: [usize; 16],
    symbols: Vec<usize>,
}

impl Code {
    fn new(lengths: &[usize]) -> Self {
        let mut counts = [0; 16];
        lengths.iter().for_each(|len| counts[*len] += 1);
        counts[0] = 0;
        let of = |len| (0..lengths.len()).filter(move |symbol| lengths[*symbol] == len);
        Self { counts, symbols: (1..16).flat_map(of).collect() }
    }

    fn read(&self, bits: &mut Bits<'_>) -> usize {
        let (mut code, mut first, mut index) = (0, 0, 0);
        for count in &self.counts[1..] {
            code |= bits.bit();
            if code < first + count {
                return self.symbols[index + code - first];
            }
            index += count;
            first = (first + count) << 1;
            code <<= 1;
        }
        panic!("no such code");
    }
}

fn stored(bits: &mut Bits<'_>, out: &mut Vec<u8>) {
    bits.at = bits.at.next_multiple_of(8);
    let len = bits.take(16);
    assert_eq!(bits.take(16), !len & 0xFFFF);
    for _ in 0..len {
        out.push(bits.take(8) as u8);
    }
}

fn dynamic(bits: &mut Bits<'_>) -> (Code, Code) {
    const ORDER: [usize; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
    let (literals, distances, count) = (bits.take(5) + 257, bits.take(5) + 1, bits.take(4) + 4);
    let mut lengths = [0; 19];
    for at in &ORDER[..count] {
        lengths[*at] = bits.take(3);
    }
    let code = Code::new(&lengths);
    let mut lengths = Vec::new();
    while lengths.len() < literals + distances {
        let (length, times) = match code.read(bits) {
            16 => (*lengths.last().unwrap(), 3 + bits.take(2)),
            17 => (0, 3 + bits.take(3)),
            18 => (0, 11 + bits.take(7)),
            length => (length, 1),
        };
        lengths.extend(std::iter::repeat_n(length, times));
    }
    (Code::new(&lengths[..literals]), Code::new(&lengths[literals..]))
}

fn codes_of(bits: &mut Bits<'_>, out: &mut Vec<u8>, codes: &(Code, Code)) -> usize {
    let mut farthest = 0;
    loop {
        match codes.0.read(bits) {
            literal @ 0..=255 => out.push(literal as u8),
            256 => return farthest,
            symbol => {
                let length = match symbol - 257 {
                    short @ 0..8 => short + 3,
                    28 => 258,
                    at => {
                        let extra = at / 4 - 1;
                        ((4 + at % 4) << extra) + 3 + bits.take(extra)
                    }
                };
                let distance = match codes.1.read(bits) {
                    near @ 0..4 => near + 1,
                    at => {
                        let extra = at / 2 - 1;
                        ((2 + at % 2) << extra) + 1 + bits.take(extra)
                    }
                };
                farthest = farthest.max(distance);
                for _ in 0..length {
                    out.push(out[out.len() - distance]);
                }
            }
        }
    }
}
