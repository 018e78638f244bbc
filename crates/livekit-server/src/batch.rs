//! Which datagrams leave in one segmented send (GSO): a pure decision over lengths and destinations.

use std::net::SocketAddr;
use std::ops::Range;

/// Bytes of one segmented send at most: what fits one IP packet of 65,535 bytes behind IPv6 and UDP headers, with room.
const BYTES_MAX: usize = 65_000;

/// What the grouping needs to know of a datagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) local: SocketAddr,
    pub(crate) remote: SocketAddr,
    pub(crate) length: usize,
}

/// The end of the run that starts at `start`: same path, equal sizes (the last may be shorter, as the kernel allows), at
/// most `segments_max` of them. `start` must be an index of `shapes`.
pub(crate) fn run_at(shapes: impl Fn(usize) -> Option<Shape>, start: usize, segments_max: usize) -> Range<usize> {
    let Some(first) = shapes(start) else {
        return start..start;
    };
    let mut end = start + 1;
    let mut bytes = first.length;
    while end - start < segments_max {
        let Some(next) = shapes(end) else { break };
        let same_path = next.remote == first.remote && next.local == first.local;
        if !same_path || next.length > first.length || next.length == 0 || bytes + next.length > BYTES_MAX {
            break;
        }
        bytes += next.length;
        end += 1;
        if next.length < first.length {
            break;
        }
    }
    start..end
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runs(datagrams: &[(u16, usize)], segments_max: usize) -> Vec<Range<usize>> {
        let shape = |index: usize| {
            datagrams.get(index).map(|(port, length)| Shape {
                local: "10.0.0.1:7882".parse().unwrap(),
                remote: SocketAddr::new("10.0.0.2".parse().unwrap(), *port),
                length: *length,
            })
        };
        let mut runs = Vec::new();
        let mut start = 0;
        while start < datagrams.len() {
            let run = run_at(shape, start, segments_max);
            start = run.end;
            runs.push(run);
        }
        runs
    }

    #[test]
    fn only_equal_sizes_to_one_destination_are_joined() {
        type Case<'a> = (&'a str, &'a [(u16, usize)], usize, &'a [usize]);
        let cases: [Case<'_>; 8] = [
            ("a frame with a short tail", &[(1, 1100), (1, 1100), (1, 300)], 64, &[3]),
            ("nothing follows the short tail", &[(1, 1100), (1, 300), (1, 300), (1, 1100)], 64, &[2, 1, 1]),
            ("a longer one starts anew", &[(1, 300), (1, 1100), (1, 1100)], 64, &[1, 2]),
            ("destinations do not mix", &[(1, 9), (2, 9), (2, 9)], 64, &[1, 2]),
            ("without GSO each is alone", &[(1, 9), (1, 9)], 1, &[1, 1]),
            ("the number of segments is bounded", &[(1, 9), (1, 9), (1, 9)], 2, &[2, 1]),
            ("empty datagrams are never segments", &[(1, 9), (1, 0)], 64, &[1, 1]),
            ("one", &[(1, 9)], 64, &[1]),
        ];
        for (name, datagrams, segments_max, expected) in cases {
            let lengths: Vec<usize> = runs(datagrams, segments_max).iter().map(ExactSizeIterator::len).collect();
            assert_eq!(lengths, expected, "{name}");
        }
    }

    #[test]
    fn a_send_stays_below_the_largest_ip_packet() {
        let datagrams = vec![(1, 1200); 64];
        for run in runs(&datagrams, 64) {
            assert!(run.len() * 1200 <= BYTES_MAX, "{run:?}");
        }
        assert_eq!(runs(&datagrams, 64).iter().map(ExactSizeIterator::len).sum::<usize>(), 64);
    }

    /// Grouping loses and reorders nothing: the runs partition the datagrams.
    #[test]
    fn runs_partition_the_datagrams() {
        let datagrams: Vec<(u16, usize)> =
            (0_usize..500).map(|i| ((i / 7 % 3) as u16, 100 + i * 7919 % 5 * 200)).collect();
        let mut at = 0;
        for run in runs(&datagrams, 16) {
            assert_eq!(run.start, at);
            assert!(!run.is_empty() && run.len() <= 16);
            at = run.end;
        }
        assert_eq!(at, datagrams.len());
    }
}
