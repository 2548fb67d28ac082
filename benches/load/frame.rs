//! Frames of a client, masked once and sent over and over; and what a server answers to them.

/// A message on its way out and the way it must come back.
pub struct Exchange {
    pub request: Vec<u8>,
    pub response: Vec<u8>,
}

impl Exchange {
    /// A message of `size` bytes. A `raw` server sends the request itself back.
    pub fn new(size: usize, text: bool, raw: bool) -> Self {
        let opcode = if text { 0x81 } else { 0x82 };
        let payload: Vec<u8> = (0..size).map(|i| b'a' + (i % 26) as u8).collect();
        let key = [0x37, 0xFA, 0x21, 0x3D];
        let mut request = header(opcode, size, 0x80);
        request.extend_from_slice(&key);
        request.extend(payload.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key));
        let mut response = header(opcode, size, 0);
        response.extend_from_slice(&payload);
        if raw {
            response = request.clone();
        }
        Self { request, response }
    }
}

fn header(opcode: u8, size: usize, mask: u8) -> Vec<u8> {
    let mut header = vec![opcode];
    match size {
        0..=125 => header.push(mask | size as u8),
        126..=0xFFFF => {
            header.push(mask | 126);
            header.extend_from_slice(&(size as u16).to_be_bytes());
        }
        _ => {
            header.push(mask | 127);
            header.extend_from_slice(&(size as u64).to_be_bytes());
        }
    }
    header
}
