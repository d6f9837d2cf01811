//! Sending weeks to recipients: claims, results and states.

use backissue_model::Week;
use jiff::SignedDuration;

use super::harness::*;
use crate::*;

fn week() -> Week {
    "2026-W20".parse().unwrap()
}

async fn claim(store: &Store, resend: Resend, now: i64) -> SendingClaim {
    store
        .claim_sending("team", Dispatch::Week(week()), resend, SignedDuration::from_secs(60), at(now))
        .await
        .unwrap()
}

fn claimed(claim: SendingClaim) -> Sending {
    let SendingClaim::Claimed(sending) = claim else { panic!("{claim:?} is no claim") };
    sending
}

on_both!(week_is_sent_once_to_each_recipient, |db| {
    let store = &db.store;
    let sending = claimed(claim(store, Resend::No, 10).await);
    assert_eq!((sending.attempts, sending.round, sending.dispatch), (1, 0, Dispatch::Week(week())));
    assert_eq!(claim(store, Resend::No, 20).await, SendingClaim::NotBefore(at(70)), "it is held");
    assert_eq!(claim(store, Resend::Yes, 20).await, SendingClaim::NotBefore(at(70)), "also on demand");
    assert!(store.finish_sending(&sending, &SendingResult::Sent, at(30)).await.unwrap());
    assert_eq!(claim(store, Resend::No, 1000).await, SendingClaim::Sent(at(30)));
    let state = store.sending("team", None).await.unwrap().unwrap();
    assert_eq!((state.week, state.sent_at, state.next, state.error), (week(), Some(at(30)), None, None));
    assert_eq!(store.sending("team", "2026-W19".parse().ok()).await.unwrap(), None);
    let again = claimed(claim(store, Resend::Yes, 2000).await);
    assert_eq!((again.attempts, again.round), (1, 1), "a person began again");
    let retry = SendingResult::Again(at(3000), "no space".to_owned());
    assert!(store.finish_sending(&again, &retry, at(2010)).await.unwrap());
    assert_eq!(claimed(claim(store, Resend::No, 3000).await).round, 1, "a retry belongs to its round");
    let other = store
        .claim_sending("ops", Dispatch::Week(week()), Resend::No, SignedDuration::from_secs(60), at(10))
        .await;
    assert_eq!(claimed(other.unwrap()).recipient, "ops");
});

on_both!(failed_sending_is_due_again_and_given_up_in_the_end, |db| {
    let store = &db.store;
    let first = claimed(claim(store, Resend::No, 10).await);
    let later = SendingResult::Again(at(300), "no space".to_owned());
    assert!(store.finish_sending(&first, &later, at(20)).await.unwrap());
    assert_eq!(claim(store, Resend::No, 299).await, SendingClaim::NotBefore(at(300)));
    let state = store.sending("team", Some(week())).await.unwrap().unwrap();
    assert_eq!((state.next, state.error.as_deref()), (Some(at(300)), Some("no space")));
    let second = claimed(claim(store, Resend::No, 300).await);
    assert_eq!(second.attempts, 2);
    assert!(store.finish_sending(&second, &later, at(305)).await.unwrap());
    let begun = async |first| store.begun_weeks("team", first, at(305)).await.unwrap();
    assert_eq!((begun(week().previous()).await, begun(week().next()).await), (vec![week()], vec![]));
    let second = claimed(claim(store, Resend::No, 305).await);
    let given_up = SendingResult::GivenUp("nobody of that name".to_owned());
    assert!(store.finish_sending(&second, &given_up, at(310)).await.unwrap());
    let SendingClaim::GivenUp(why) = claim(store, Resend::No, 9999).await else { panic!("not given up") };
    assert_eq!(why, "nobody of that name");
    assert_eq!(claimed(claim(store, Resend::Yes, 9999).await).attempts, 1);
});

on_both!(process_that_died_while_sending_makes_one_more_attempt, |db| {
    let store = &db.store;
    let dead = claimed(claim(store, Resend::No, 10).await);
    let begun = async |now| store.begun_weeks("team", week(), at(now)).await.unwrap();
    assert_eq!((begun(69).await, begun(70).await), (vec![], vec![week()]), "due when the lease ends");
    let next = claimed(claim(store, Resend::No, 71).await);
    assert_eq!((next.attempts, next.unanswered), (2, 1), "the lease has run out");
    assert!(!store.finish_sending(&dead, &SendingResult::Sent, at(72)).await.unwrap(), "it was not dead");
    assert!(store.finish_sending(&next, &SendingResult::Sent, at(73)).await.unwrap());
    assert_eq!(claim(store, Resend::No, 1000).await, SendingClaim::Sent(at(73)));
    assert!(begun(1000).await.is_empty());
});

on_both!(attempts_that_may_have_arrived_are_counted, |db| {
    let store = &db.store;
    let dead = claimed(claim(store, Resend::No, 10).await);
    assert_eq!(dead.unanswered, 0);
    let second = claimed(claim(store, Resend::No, 71).await);
    let refused = SendingResult::Again(at(200), "no space".to_owned());
    assert!(store.finish_sending(&second, &refused, at(80)).await.unwrap());
    let third = claimed(claim(store, Resend::No, 200).await);
    assert_eq!(third.unanswered, 1, "a refusal did not arrive");
    let silent = SendingResult::Unanswered(at(400), "no answer".to_owned());
    assert!(store.finish_sending(&third, &silent, at(210)).await.unwrap());
    let fourth = claimed(claim(store, Resend::No, 400).await);
    assert_eq!((fourth.attempts, fourth.unanswered), (4, 2));
    assert!(store.finish_sending(&fourth, &silent, at(410)).await.unwrap());
    assert_eq!(claimed(claim(store, Resend::Yes, 500).await).unanswered, 0, "a person has looked");
});

on_both!(newest_week_of_each_person_is_listed, |db| {
    let store = &db.store;
    let people = ["subscriber/1", "subscriber/2", "reader/1", "team"];
    let newer = Dispatch::Week(week().next());
    for name in people {
        for dispatch in [Dispatch::Week(week()), newer, Dispatch::Alert(1)] {
            let claim = store.claim_sending(name, dispatch, Resend::No, LEASE, at(10)).await.unwrap();
            let failed = name == "subscriber/2" && dispatch == newer;
            let result = match failed {
                true => SendingResult::GivenUp("refused".to_owned()),
                false => SendingResult::Sent,
            };
            assert!(store.finish_sending(&claimed(claim), &result, at(20)).await.unwrap());
        }
    }
    let all = store.weeks_of_people(false, 9).await.unwrap();
    let names: Vec<&str> = all.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["reader/1", "subscriber/1", "subscriber/2"]);
    assert!(all.iter().all(|(_, state)| state.week == week().next()));
    let failed = store.weeks_of_people(true, 9).await.unwrap();
    assert_eq!(failed.len(), 1);
    assert_eq!((failed[0].0.as_str(), failed[0].1.error.as_deref()), ("subscriber/2", Some("refused")));
});

on_both!(only_one_of_several_processes_claims_a_sending, |db| {
    let other = db.open_again().await;
    let (one, two) = tokio::join!(claim(&db.store, Resend::No, 10), claim(&other, Resend::No, 10));
    let claims = [&one, &two].iter().filter(|claim| matches!(claim, SendingClaim::Claimed(_))).count();
    assert_eq!(claims, 1, "{one:?} {two:?}");
    other.close().await;
});

on_both!(unsubscribed_recipient_gets_nothing_until_it_is_resumed, |db| {
    let store = &db.store;
    let known = store.recipient("team", at(5)).await.unwrap();
    assert_eq!((known.since, known.unsubscribed_at), (at(5), None));
    store.set_unsubscribed("team", true, at(10)).await.unwrap();
    store.set_unsubscribed("team", true, at(20)).await.unwrap();
    let known = store.recipient("team", at(30)).await.unwrap();
    assert_eq!((known.since, known.unsubscribed_at), (at(5), Some(at(10))), "since the first time");
    assert_eq!(claim(store, Resend::Yes, 40).await, SendingClaim::Unsubscribed(at(10)));
    store.set_unsubscribed("team", false, at(50)).await.unwrap();
    claimed(claim(store, Resend::No, 60).await);
});
