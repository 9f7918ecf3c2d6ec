use super::*;

#[test]
fn the_loop_keeps_to_an_earlier_deadline_while_a_link_works_and_not_when_it_is_idle() {
    let with = |acknowledge, retransmit, null| [None, acknowledge, retransmit, null];
    // The acknowledge at 5 has gone with a request, which is sent again at 20.
    let works = with(None, Some(20), Some(300));
    assert_eq!(look_before(&works, Some(5), 1), Some(5));
    assert_eq!(look_before(&works, Some(5), 5), None, "it has looked");
    assert_eq!(look_before(&works, Some(25), 1), None);
    assert_eq!(look_before(&works, None, 1), None);
    assert_eq!(look_before(&with(None, None, Some(300)), Some(5), 1), None);
    assert_eq!(look_before(&with(None, None, None), Some(5), 1), None);
    assert_eq!(look_before(&with(Some(4), Some(20), Some(300)), Some(5), 1), None);
}
