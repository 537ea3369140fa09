//! What the default authorizer lets whom do.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use std::{
    pin::pin,
    task::{Context, Poll, Waker},
};

use upload_core::{
    Action, ErrorKind, Principal, Role, Roles, TenantName, Visibility,
    ports::{AllowByRole, Authorizer, Subject},
};

/// The authorizer asks nobody, so it answers at once.
fn at_once<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("it waits for something"),
    }
}

const ROLES: [Option<Role>; 5] =
    [None, Some(Role::Upload), Some(Role::Read), Some(Role::Support), Some(Role::Admin)];
const ACTIONS: [Action; 6] =
    [Action::Begin, Action::Write, Action::Cancel, Action::Read, Action::List, Action::Remove];

fn allowed(
    role: Option<Role>,
    owner: Option<bool>,
    action: Action,
    exclusive: bool,
    seen_by: Visibility,
) -> bool {
    let roles = role.map_or_else(Roles::default, |role| Roles::new([role]));
    let who = Principal::new(TenantName::new("acme").unwrap(), "me", roles);
    let mut subject = Subject::new("files", owner.map(|own| if own { "me" } else { "you" }));
    (subject.exclusive, subject.visibility) = (exclusive, seen_by);
    match at_once(AllowByRole::default().authorize(&who, action, subject)) {
        Ok(()) => true,
        Err(e) => {
            assert_eq!(e.kind, ErrorKind::Forbidden);
            false
        }
    }
}

/// Actions, whether the upload is one's own (`None` is nobody's yet), exclusive, seen by, and who may.
type Rule = (&'static [Action], Option<bool>, bool, Visibility, &'static str);

/// One line a rule: who may, out of {upload+read, upload, read, support, admin}.
#[test]
fn a_table_of_who_may_do_what() {
    let table: [Rule; 13] = [
        // Nobody's yet, or not exclusive: the role alone.
        (&[Action::Begin], None, false, Visibility::Tenant, "yu-sa"),
        (&[Action::Begin], None, true, Visibility::Admin, "yu-sa"),
        (&[Action::Write, Action::Cancel, Action::Remove], Some(false), false, Visibility::Tenant, "yu-sa"),
        // Of whom it may be read says nothing of who may write.
        (&[Action::Write, Action::Cancel, Action::Remove], Some(false), false, Visibility::Admin, "yu-sa"),
        // Exclusive: its owner, support, admin; nobody without the role.
        (&[Action::Write, Action::Cancel, Action::Remove], Some(true), true, Visibility::Tenant, "yu-sa"),
        (&[Action::Write, Action::Cancel, Action::Remove], Some(false), true, Visibility::Tenant, "---sa"),
        (&[Action::List], None, false, Visibility::Tenant, "y-rsa"),
        // Reading goes by visibility, also of exclusive uploads.
        (&[Action::Read], Some(false), false, Visibility::Tenant, "y-rsa"),
        (&[Action::Read], Some(false), true, Visibility::Tenant, "y-rsa"),
        (&[Action::Read], Some(false), true, Visibility::Public, "y-rsa"),
        (&[Action::Read], Some(true), true, Visibility::Support, "---sa"),
        (&[Action::Read], Some(true), true, Visibility::Admin, "----a"),
        (&[Action::Read], Some(false), false, Visibility::Support, "---sa"),
    ];
    for (actions, owner, exclusive, seen_by, who) in table {
        for action in actions {
            let may: String = ROLES
                .iter()
                .zip("yursa".chars())
                .map(
                    |(role, letter)| {
                        if allowed(*role, owner, *action, exclusive, seen_by) { letter } else { '-' }
                    },
                )
                .collect();
            assert_eq!(may, who, "{action:?}, own: {owner:?}, exclusive: {exclusive}, for {seen_by:?}");
        }
    }
}

/// More roles never allow less, exclusive never allows more, and admin may everything.
#[test]
fn rights_only_grow_with_roles() {
    for action in ACTIONS {
        for owner in [None, Some(true), Some(false)] {
            for seen_by in [Visibility::Tenant, Visibility::Public, Visibility::Support, Visibility::Admin] {
                for exclusive in [false, true] {
                    let may = |role| allowed(role, owner, action, exclusive, seen_by);
                    assert!(may(Some(Role::Admin)));
                    for role in ROLES {
                        assert!(!may(role) || role.is_none() || may(Some(Role::Admin)));
                        assert!(!may(role) || allowed(role, owner, action, false, seen_by));
                    }
                    assert!(may(Some(Role::Support)) || seen_by == Visibility::Admin);
                }
            }
        }
    }
}
