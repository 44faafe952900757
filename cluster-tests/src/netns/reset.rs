//! Forged resets: what a TCP segment is answered with by an end that knows nothing of its connection (RFC 9293,
//! section 3.10.7.1).

const IP_HEADER: usize = 20;
const TCP_HEADER: usize = 20;
const PROTOCOL_TCP: u8 = 6;
const FLAG_FIN: u8 = 0x01;
const FLAG_SYN: u8 = 0x02;
const FLAG_RST: u8 = 0x04;
const FLAG_ACK: u8 = 0x10;
const TIME_TO_LIVE: u8 = 64;

/// The reset that answers an IPv4 packet; `None` if it is no TCP segment, or is a reset itself.
pub(super) fn answer(packet: &[u8]) -> Option<Vec<u8>> {
    let (ip, tcp) = split(packet)?;
    let flags = tcp[13];
    if flags & FLAG_RST != 0 {
        return None;
    }
    let header = usize::from(tcp[12] >> 4) * 4;
    let counted = u32::from(flags & FLAG_SYN != 0) + u32::from(flags & FLAG_FIN != 0);
    let length = (tcp.len().checked_sub(header)?) as u32 + counted;
    let acknowledged = u32::from_be_bytes(tcp[8..12].try_into().ok()?);
    let after = u32::from_be_bytes(tcp[4..8].try_into().ok()?).wrapping_add(length);
    let (sequence, acknowledge, flags) =
        if flags & FLAG_ACK != 0 { (acknowledged, 0, FLAG_RST) } else { (0, after, FLAG_RST | FLAG_ACK) };

    let mut reset = vec![0; IP_HEADER + TCP_HEADER];
    reset[0] = 0x45;
    reset[2..4].copy_from_slice(&((IP_HEADER + TCP_HEADER) as u16).to_be_bytes());
    reset[8] = TIME_TO_LIVE;
    reset[9] = PROTOCOL_TCP;
    reset[12..16].copy_from_slice(&ip[16..20]);
    reset[16..20].copy_from_slice(&ip[12..16]);
    let checked = checksum(&reset[..IP_HEADER], 0);
    reset[10..12].copy_from_slice(&checked.to_be_bytes());
    reset[20..22].copy_from_slice(&tcp[2..4]);
    reset[22..24].copy_from_slice(&tcp[0..2]);
    reset[24..28].copy_from_slice(&sequence.to_be_bytes());
    reset[28..32].copy_from_slice(&acknowledge.to_be_bytes());
    reset[32] = ((TCP_HEADER / 4) << 4) as u8;
    reset[33] = flags;
    let checked = tcp_checksum(&reset);
    reset[36..38].copy_from_slice(&checked.to_be_bytes());
    Some(reset)
}

/// IP header and TCP segment of an IPv4 packet.
fn split(packet: &[u8]) -> Option<(&[u8], &[u8])> {
    let header = usize::from(packet.first()? & 0x0f) * 4;
    let whole = packet.first()? >> 4 == 4 && packet.len() >= header + TCP_HEADER && header >= IP_HEADER;
    (whole && packet[9] == PROTOCOL_TCP).then(|| packet.split_at(header))
}

/// The checksum of a TCP segment behind a plain IPv4 header, its pseudo header included.
fn tcp_checksum(packet: &[u8]) -> u16 {
    let segment = &packet[IP_HEADER..];
    let pseudo = u32::from(PROTOCOL_TCP) + segment.len() as u32 + sum(&packet[12..20]);
    checksum(segment, pseudo)
}

fn checksum(bytes: &[u8], start: u32) -> u16 {
    let mut total = start + sum(bytes);
    while total > 0xffff {
        total = (total & 0xffff) + (total >> 16);
    }
    !(total as u16)
}

fn sum(bytes: &[u8]) -> u32 {
    let word = |pair: &[u8]| u32::from(pair[0]) << 8 | u32::from(pair.get(1).copied().unwrap_or(0));
    bytes.chunks(2).map(word).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A segment of 10.0.0.1:258 to 10.0.0.2:772 with three bytes of data.
    fn segment(flags: u8) -> Vec<u8> {
        let mut packet = vec![0x45, 0, 0, 43, 0, 0, 0, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2];
        packet.extend([1, 2, 3, 4, 0, 0, 0, 7, 0, 0, 0, 9, 0x50, flags, 0, 0, 0, 0, 0, 0, b'a', b'b', b'c']);
        packet
    }

    #[test]
    fn a_reset_goes_back_with_the_number_the_sender_expects() {
        let reset = answer(&segment(FLAG_ACK)).unwrap();
        assert_eq!(reset[12..20], [10, 0, 0, 2, 10, 0, 0, 1]);
        assert_eq!(reset[20..24], [3, 4, 1, 2]);
        assert_eq!((&reset[24..28], reset[33]), (&[0, 0, 0, 9][..], FLAG_RST));
    }

    #[test]
    fn a_segment_without_acknowledgement_is_acknowledged_by_its_reset() {
        let reset = answer(&segment(FLAG_SYN)).unwrap();
        assert_eq!((&reset[28..32], reset[33]), (&[0, 0, 0, 11][..], FLAG_RST | FLAG_ACK));
    }

    #[test]
    fn checksums_add_up() {
        let reset = answer(&segment(FLAG_ACK)).unwrap();
        assert_eq!(checksum(&reset[..IP_HEADER], 0), 0);
        assert_eq!(tcp_checksum(&reset), 0);
    }

    #[test]
    fn resets_and_other_things_are_not_answered() {
        assert_eq!(answer(&segment(FLAG_RST)), None);
        assert_eq!(answer(&segment(FLAG_ACK)[..30]), None);
        assert_eq!(answer(&[]), None);
        let mut other = segment(FLAG_ACK);
        other[9] = 17;
        assert_eq!(answer(&other), None);
    }
}
