use super::*;

const RATE: u32 = 1000;

fn s(n: u64) -> Time {
    Time(n * 1_000_000_000)
}

fn ms(n: u64) -> Time {
    Time(n * 1_000_000)
}

#[test]
fn a_peer_that_stops_has_the_grace_and_no_more() {
    let mut progress = Progress::begin(500, s(1));
    assert_eq!(progress.deadline(), s(11));
    progress.advance(500, s(5), RATE);
    assert_eq!(progress.deadline(), s(11), "nothing new has come");
    progress.advance(1_000_000, s(6), RATE);
    assert_eq!(progress.deadline(), s(16), "it has the whole grace again, but not more");
}

#[test]
fn a_peer_at_the_rate_goes_on_for_ever_and_one_at_half_of_it_does_not() {
    for (each_second, lasts) in [(RATE, true), (RATE / 2, false)] {
        let mut progress = Progress::begin(0, s(0));
        let mut end = None;
        for second in 1..1000 {
            progress.advance(u64::from(each_second) * second, s(second), RATE);
            if progress.deadline() <= s(second) {
                end = Some(second);
                break;
            }
        }
        assert_eq!(end.is_none(), lasts, "{each_second}: {end:?}");
        assert!(end.is_none_or(|end| (19..=21).contains(&end)), "{end:?}");
    }
}

#[test]
fn it_does_not_matter_how_often_one_looks() {
    for interval in [1, 3, 9] {
        let mut progress = Progress::begin(0, s(0));
        for second in (interval..1000).step_by(interval as usize) {
            progress.advance(u64::from(RATE) * second, s(second), RATE);
            assert!(progress.deadline() > s(second), "{interval}: {second}");
        }
    }
}

fn candidate(id: ConnectionId, moved: u64, rest: u64, held: u64) -> Candidate {
    let mut progress = Progress::begin(0, s(0));
    progress.measure(s(1));
    progress.advance(moved, s(2), RATE);
    Candidate { id, progress, rest, held }
}

#[test]
fn the_largest_of_those_that_stand_still_is_the_slowest() {
    let all = [
        candidate(1, 1 << 20, 60 << 20, 64 << 20),
        candidate(2, 0, 1, 32 << 20),
        candidate(3, 0, 1, 64 << 20),
        candidate(4, 0, 60 << 20, 48 << 20),
    ];
    let id = |all: &[Candidate]| slowest(all.iter().copied(), s(2)).map(|one| one.id);
    assert_eq!(id(&all), Some(3));
    assert_eq!(id(&all[..2]), Some(2));
    assert_eq!(id(&all[..1]), Some(1), "a minute for the rest is too long where others wait");
}

#[test]
fn who_will_be_done_soon_makes_no_room() {
    let soon = [candidate(1, 10 << 20, 60 << 20, 64 << 20), candidate(2, 1000, 1, 64 << 20)];
    assert!(slowest(soon.into_iter(), s(2)).is_none());
    let mut fresh = candidate(3, 0, 64 << 20, 64 << 20);
    fresh.progress = Progress::begin(0, ms(1600));
    assert!(slowest([fresh].into_iter(), s(2)).is_none(), "its speed is not known yet");
    assert!(slowest([fresh].into_iter(), ms(2100)).is_some());
}

#[test]
fn the_oldest_is_known_whatever_comes_and_goes() {
    let mut unfinished = Unfinished::default();
    let mut progress = [None; 3];
    let mut note = |unfinished: &mut Unfinished, id: usize, is_unfinished, now| {
        unfinished.note((id, Way::In), &mut progress[id], is_unfinished, 0, now);
    };
    assert_eq!((unfinished.oldest(), unfinished.deadline()), (None, None));
    note(&mut unfinished, 1, true, s(1));
    note(&mut unfinished, 0, true, s(2));
    note(&mut unfinished, 1, true, s(3));
    assert_eq!((unfinished.oldest(), unfinished.deadline()), (Some(s(1)), Some(s(11))));
    note(&mut unfinished, 1, false, s(4));
    note(&mut unfinished, 2, true, s(4));
    assert_eq!(unfinished.oldest(), Some(s(2)));
    assert_eq!(unfinished.all(), [(0, Way::In), (2, Way::In)]);
    unfinished.forget(0, [progress[0], None]);
    unfinished.forget(2, [progress[2], None]);
    assert_eq!(unfinished.oldest(), None);
    unfinished.checked(None);
    assert_eq!(unfinished.deadline(), None);
}
