//! The conformance suite catches back ends that are broken on purpose, each by the check named here.
#![cfg(feature = "conformance")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]

mod broken {
    pub mod blobs;
    pub mod parts;
    pub mod records;
}

use std::{
    collections::BTreeSet,
    future::poll_fn,
    sync::{Arc, Mutex},
    task::Poll,
    time::Duration,
};

use broken::{
    blobs::{BlobDefect, BrokenBlobs},
    parts::{BrokenParts, PartDefect},
    records::{BrokenRecords, RecordDefect},
};
use upload_core::ports::StoreError;
use upload_storage::conformance::{self, Profile, Report, Stage, block_on};

const BLOBS: &[(BlobDefect, &str)] = {
    use BlobDefect::*;
    &[
        (PermitEarly, "permit/outlives_the_change"),
        (PermitEarlyInMoves, "permit/outlives_a_move"),
        (PermitLeaked, "permit/ends_with_the_write"),
        (PermitLeakedByErrors, "permit/ends_when_the_write_fails"),
        (LateWrite, "permit/nothing_changes_after_a_dropped_write"),
        (TornWrite, "permit/a_dropped_write_happened_or_did_not"),
        (LiesAboutSharing, "write/capabilities_are_honest"),
        (EmptyPieceEnds, "write/empty_pieces_add_nothing"),
        (AtMost1024Pieces, "write/pieces_join_in_order"),
        (LargeWriteCut, "write/a_large_write"),
        (HolesOfGarbage, "write/holes_hold_no_garbage"),
        (FirstWriteWins, "write/the_last_write_wins"),
        (PositionWraps, "write/a_far_position"),
        (StageEmpties, "write/staging_again_keeps_bytes"),
        (HintBinds, "write/a_length_hint_does_not_bind"),
        (NamesMix, "write/staging_objects_do_not_mix"),
        (SyncHangs, "write/sync_can_be_repeated"),
        (BlocksRewritten, "parallel/neighbours_in_one_block"),
        (ShortReads, "read/past_the_end_of_an_object"),
        (ShortStagedReads, "read/past_the_end_of_a_staging_object"),
        (MissingReadsAsNothing, "read/missing_object_is_not_found"),
        (BackwardRangesPanic, "read/backward_ranges"),
        (PublishesAll, "publish/truncates"),
        (PublishesOnce, "publish/succeeds_again"),
        (PublishesOneAtATime, "publish/succeeds_at_once"),
        (PublishReplaces, "publish/never_replaces"),
        (PublishKeepsStaging, "publish/takes_the_staging_object"),
        (PublishForgetsEmpty, "publish/works_for_no_bytes"),
        (PublishInTwoSteps, "dropped/publish"),
        (ObjectsChange, "publish/is_immutable"),
        (PublishMakesUpBytes, "publish/fails_for_nothing_staged"),
        (DiscardTakesNeighbours, "remove/discarding_takes_only_its_own"),
        (DeleteTakesStaging, "remove/deleting_takes_only_its_own"),
        (DeleteOfNothingFails, "remove/deleting_nothing_succeeds"),
        (DiscardOnlyHides, "write/a_name_staged_again_starts_empty"),
        (DeletedComesBack, "remove/removals_survive_a_restart"),
        (ListUnordered, "list/holds_both_kinds_in_order"),
        (ListWithoutStaging, "list/holds_both_kinds_in_order"),
        (ListIgnoresHour, "list/stops_at_the_hour"),
        (ListAfterInclusive, "list/after_is_exclusive"),
        (ListAfterMustExist, "list/after_a_name_that_is_gone"),
        (ListIgnoresLimit, "list/keeps_the_limit"),
        (ListCut, "list/holds_hundreds"),
        (MoveShort, "move/bytes_arrive"),
        (MoveEmptiesTooMuch, "move/nothing_else_changes"),
        (SyncForgetsMoves, "move/sync_covers_it"),
        (LastWriteLost, "restart/synced_bytes_survive"),
        (ObjectsLost, "restart/objects_survive"),
        (EmptyStagingLost, "restart/a_synced_name_survives"),
        (MoveOfNothingSucceeds, "move/of_nothing_staged_is_an_error"),
        (MissingStagedReadsAsZeros, "read/missing_staging_object_is_an_error"),
        (RenamedByRestart, "restart/capabilities_stay"),
        (DroppedReadLoses, "dropped/reads"),
        (DroppedStageBlocks, "dropped/stage"),
        (EmptyMoveFails, "move/no_bytes_is_no_error"),
        (WritersShareABuffer, "parallel/writers_of_many_uploads"),
        (PermitLeakedByDrop, "permit/ends_when_the_write_is_dropped"),
        (ReadsAligned, "read/any_range_of_a_staging_object"),
        (ReadsAligned, "read/any_range_of_an_object"),
        (EmptyReadFails, "read/empty_ranges"),
        (DiscardOfNothingFails, "remove/discarding_nothing_succeeds"),
        (OneByteLost, "write/bytes_read_back"),
    ]
};

const PARTS: &[(PartDefect, &str)] = {
    use PartDefect::*;
    &[
        (RulesImpossible, "parts/rules_can_be_kept"),
        (LastByteWrong, "parts/in_order_make_the_object"),
        (ArrivalOrder, "parts/in_any_order_make_the_object"),
        (ArrivalOrder, "parts/in_parallel_make_the_object"),
        (RenumbersParts, "parts/numbers_may_have_gaps"),
        (AnyNumber, "parts/numbers_out_of_range_are_refused"),
        (OnePiece, "parts/of_several_pieces"),
        (OnePiece, "fragments/of_several_pieces"),
        (TagsChange, "parts/are_listed"),
        (ListsThousand, "parts/a_thousand_are_listed"),
        (SessionsMix, "parts/sessions_do_not_mix"),
        (LargePutCut, "parts/one_put_is_an_object"),
        (EmptyPutForgotten, "parts/an_object_may_be_empty"),
        (FirstPutWins, "parts/an_object_replaces_another"),
        (ShareABuffer, "parts/uploads_at_once_keep_their_own"),
        (ShareABuffer, "fragments/at_once"),
        (CompletesWhatIsStored, "complete/takes_only_what_is_listed"),
        (SortsTheList, "complete/keeps_the_order_of_the_list"),
        (LastPartTooShort, "complete/one_short_part_is_enough"),
        (ShortPartsTaken, "complete/refuses_short_parts_before_the_last"),
        (CompletesOnce, "complete/succeeds_again"),
        (OneCompletionAtATime, "complete/succeeds_at_once"),
        (CompletedIsFine, "complete/is_not_another_object"),
        (TagsIgnored, "complete/a_wrong_tag_is_corrupt"),
        (MissingSkipped, "complete/a_missing_part_is_corrupt"),
        (NoPartsAreFine, "complete/no_parts_are_refused"),
        (TagsIgnored, "complete/a_replaced_part_is_not_the_first"),
        (NothingIsUnavailable, "complete/of_nothing_is_not_found"),
        (LatePartReplaces, "complete/a_late_part_does_no_harm"),
        (AbortTakesObject, "complete/other_sessions_of_the_key_do_no_harm"),
        (AbortTakesObject, "giving_up/a_completed_session_leaves_the_object"),
        (FragmentsByStaging, "fragments/of_one_name_do_not_mix"),
        (FragmentsByPosition, "fragments/of_one_position_do_not_mix"),
        (AllFragmentsGo, "fragments/are_removed_by_name"),
        (FragmentsOfOthersGo, "fragments/are_removed_by_name"),
        (MissingFragmentIsEmpty, "fragments/that_are_not_there_are_not_found"),
        (NoFragmentToRemoveFails, "fragments/removing_none_succeeds"),
        (CompletionTakesFragments, "fragments/stay_after_the_object_is_made"),
        (AbortKeepsParts, "giving_up/a_session_takes_its_parts"),
        (AbortOfNothingFails, "giving_up/a_session_that_is_gone_succeeds"),
        (DiscardKeepsSessions, "giving_up/discarding_takes_sessions"),
        (DiscardTakesFewSessions, "giving_up/discarding_takes_many_sessions"),
        (DiscardTakesObject, "giving_up/discarding_leaves_the_object"),
        (DiscardTakesUpload, "giving_up/discarding_takes_only_its_own_sessions"),
        (DiscardBlocksKey, "giving_up/a_key_can_be_opened_again"),
        (ListWithoutSessions, "listing/shows_sessions_and_fragments_in_order"),
        (ListSessionsOfAllHours, "listing/stops_sessions_at_the_hour"),
        (ListNamesTwice, "listing/shows_a_name_once"),
        (ListEndedSessions, "listing/forgets_sessions_that_ended"),
        (ListFewSessions, "listing/holds_hundreds_of_sessions"),
        (ListSessionsWithParts, "listing/shows_sessions_without_parts"),
        (DroppedOpenBlocks, "dropped/open"),
        (DroppedPartBlocks, "dropped/put_part"),
        (CompletesInTwoSteps, "dropped/complete"),
        (DroppedAbortForgets, "dropped/abort"),
        (FragmentsInTwoSteps, "dropped/put_fragment"),
        (PutsInTwoSteps, "dropped/put_object"),
        (PartsLost, "restart/parts_survive"),
        (FragmentsLost, "restart/fragments_survive"),
        (CompletionsForgotten, "restart/completions_survive"),
        (DiscardedComesBack, "restart/what_was_given_up_stays_away"),
        (RulesChange, "restart/rules_stay"),
    ]
};

const RECORDS: &[(RecordDefect, &str)] = {
    use RecordDefect::*;
    &[
        (LoserWins, "put/a_second_first_put_loses"),
        (LostHidesCurrent, "put/a_second_first_put_loses"),
        (FirstPutOverwrites, "put/a_second_first_put_loses"),
        (PutIgnoresVersion, "put/an_old_version_loses"),
        (PutMakesFromVersion, "put/a_version_of_nothing_loses"),
        (VersionOfValue, "put/the_same_value_is_a_new_version"),
        (VersionsPerLife, "put/versions_never_repeat"),
        (VersionsPerLife, "put/a_value_that_comes_back_is_another"),
        (VersionsPerLife, "delete/a_version_from_before_a_delete_stays"),
        (VersionsPerOpening, "restart/versions_never_repeat"),
        (LargeValueCut, "put/values_of_any_size"),
        (EmptyIsNothing, "put/values_of_any_size"),
        (ValueEndsAtNul, "put/values_of_any_bytes"),
        (KeyCut, "put/long_keys"),
        (KeyFolded, "put/keys_are_literal"),
        (DeleteIgnoresVersion, "delete/a_wrong_version_stays"),
        (DeleteOfNothingFails, "delete/nothing_is_gone_already"),
        (DeleteTakesPrefix, "delete/others_stay"),
        (ListUnordered, "list/is_in_key_order"),
        (ListPrefixLeaks, "list/a_prefix_is_no_more_than_that"),
        (ListPrefixWild, "list/a_prefix_is_literal"),
        (ListAfterInclusive, "list/after_is_exclusive"),
        (ListAfterMustExist, "list/after_a_key_that_is_not_there"),
        (ListIgnoresLimit, "list/keeps_the_limit"),
        (ListCut, "list/holds_a_thousand"),
        (ListByIndex, "race/a_listing_beside_writers_is_whole"),
        (ChecksThenActs, "race/one_first_put_wins"),
        (ChecksThenActs, "race/one_put_of_a_version_wins"),
        (ChecksThenActs, "race/increments_are_not_lost"),
        (DeleteChecksThenActs, "race/one_put_or_delete_wins"),
        (PutInTwoSteps, "dropped/first_put"),
        (PutInTwoSteps, "dropped/put"),
        (LatePut, "dropped/first_put"),
        (LastPutLost, "restart/puts_survive"),
        (DeletedComesBack, "restart/deletes_survive"),
        (PutInTwoSteps, "restart/a_dropped_put_is_whole_or_none"),
        (LargeLost, "restart/large_values_survive"),
        (Nameless, "put/the_store_states_what_it_is"),
        (FoundAtFirst, "put/nothing_is_there_at_first"),
        (WonVersionIsOld, "put/a_first_put_wins"),
        (WonVersionIsOld, "put/the_right_version_wins"),
        (DeleteDoesNothing, "delete/the_right_version_goes"),
        (DeleteDoesNothing, "race/makes_and_deletes_alternate"),
        (PutWritesAll, "race/different_keys_all_win"),
        (DroppedTakesOthers, "dropped/first_put_among_others"),
        (GetTakesOut, "dropped/reads"),
    ]
};

fn blobs(defect: BlobDefect, profile: &Profile) -> Report {
    let kept = Mutex::new(BrokenBlobs::new(defect));
    let open = async |stage| {
        let mut kept = kept.lock().unwrap();
        *kept = if stage == Stage::Fresh { BrokenBlobs::new(defect) } else { kept.reopened() };
        Ok::<_, StoreError>(kept.clone())
    };
    block_on(conformance::blobs(open, profile))
}

fn parts(defect: PartDefect, profile: &Profile) -> Report {
    let kept = Mutex::new(BrokenParts::new(defect));
    let open = async |stage| {
        let mut kept = kept.lock().unwrap();
        *kept = if stage == Stage::Fresh { BrokenParts::new(defect) } else { kept.reopened() };
        Ok::<_, StoreError>(kept.clone())
    };
    block_on(conformance::parts(open, &profile.clone().shared(true)))
}

fn records(defect: RecordDefect, profile: &Profile) -> Report {
    let kept = Mutex::new(Arc::new(BrokenRecords::new(defect)));
    let open = async |stage| {
        let mut kept = kept.lock().unwrap();
        *kept = Arc::new(if stage == Stage::Fresh { BrokenRecords::new(defect) } else { kept.reopened() });
        Ok::<_, StoreError>(BrokenRecords::clone(&kept))
    };
    block_on(conformance::records(open, profile))
}

/// Interleaved on one thread, so that every run is the same; patience for what never ends is short.
fn profile(check: &str) -> Profile {
    Profile::new().threads(false).patience(Duration::from_millis(800)).only(check)
}

#[test]
fn without_a_defect_all_checks_pass() {
    let profile = Profile::new().threads(false);
    blobs(BlobDefect::None, &profile).assert();
    parts(PartDefect::None, &profile).assert();
    records(RecordDefect::None, &profile).assert();
}

#[test]
fn broken_blob_stores_are_caught() {
    caught(BLOBS, |defect, check| blobs(defect, &profile(check)));
}

#[test]
fn broken_stores_of_parts_are_caught() {
    caught(PARTS, |defect, check| parts(defect, &profile(check)));
}

#[test]
fn broken_record_stores_are_caught() {
    caught(RECORDS, |defect, check| records(defect, &profile(check)));
}

/// A check that nothing fails says nothing.
#[test]
fn every_check_fails_for_somebody() {
    // Those that wait for what never ends take long; the tables have them.
    const SLOW: [BlobDefect; 3] =
        [BlobDefect::SyncHangs, BlobDefect::PermitLeaked, BlobDefect::PermitLeakedByErrors];
    let fast = BLOBS.iter().filter(|(defect, _)| !SLOW.contains(defect));
    never_failing("blob", BLOBS, fast.map(|(defect, _)| blobs(*defect, &profile(""))));
    // The first run answers for the checks that both suites share.
    let shared = blobs(BlobDefect::None, &profile(""));
    let table: Vec<_> = shared.checks().iter().map(|(check, _)| (PartDefect::None, *check)).collect();
    let table = [table.as_slice(), PARTS].concat();
    never_failing("part", &table, PARTS.iter().map(|(defect, _)| parts(*defect, &profile(""))));
    never_failing("record", RECORDS, RECORDS.iter().map(|(defect, _)| records(*defect, &profile(""))));
}

fn never_failing<D>(kind: &str, table: &[(D, &str)], reports: impl Iterator<Item = Report>) {
    let mut checks = BTreeSet::new();
    let mut failing: BTreeSet<_> = table.iter().map(|(_, check)| *check).collect();
    for report in reports {
        checks.extend(report.checks().iter().map(|(name, _)| *name));
        failing.extend(report.failures().map(|(name, _)| name));
    }
    let never: Vec<_> = checks.difference(&failing).collect();
    assert!(checks.len() > 50 && never.is_empty(), "{kind} checks that no broken store fails: {never:#?}");
}

fn caught<D: Copy + std::fmt::Debug>(table: &[(D, &str)], run: impl Fn(D, &str) -> Report) {
    let missed: Vec<_> = table
        .iter()
        .filter(|(defect, check)| !run(*defect, check).failures().any(|(name, _)| name == *check))
        .collect();
    assert!(missed.is_empty(), "not caught: {missed:#?}");
}

/// Lets everybody else go first, once.
async fn yields() {
    let mut yielded = false;
    poll_fn(|context| {
        if std::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
