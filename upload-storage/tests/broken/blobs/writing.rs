//! What goes wrong when bytes are written or moved.

use std::ops::Range;

use async_trait::async_trait;
use bytes::Bytes;
use upload_core::{
    ObjectKey, StagingName,
    ports::{BlobStore, Copier, Mover, Permit, StoreError, StoreErrorKind},
};

use super::{BrokenBlobs, D, OnDrop, quiet};
use crate::yields;

impl BrokenBlobs {
    /// Writes under the name that the defect leaves.
    pub(super) async fn written(
        &self,
        staging: &StagingName,
        mut position: u64,
        mut pieces: Vec<Bytes>,
        permit: Permit,
    ) -> Result<(), StoreError> {
        match self.defect {
            D::EmptyPieceEnds => pieces = pieces.into_iter().take_while(|piece| !piece.is_empty()).collect(),
            D::AtMost1024Pieces => pieces.truncate(1024),
            _ => {}
        }
        let mut bytes = Bytes::from(pieces.concat());
        let end = self.state().ends.get(staging).copied().unwrap_or(0);
        let limit = self.state().hints.get(staging).copied().unwrap_or(u64::MAX);
        match self.defect {
            D::LargeWriteCut => bytes.truncate(1 << 20),
            D::PositionWraps => position &= u64::from(u32::MAX),
            D::HolesOfGarbage if position > end && position < 1 << 20 => {
                self.fill(staging, end, 0xaa, position - end).await;
            }
            D::OneByteLost if bytes.len() == 1 => return Ok(()),
            D::DroppedStageBlocks if self.state().blocked.contains(staging) => {
                return Err(StoreError::unavailable("being staged"));
            }
            D::FirstWriteWins if position < end => return Ok(()),
            D::HintBinds if position.saturating_add(bytes.len() as u64) > limit => {
                return Err(StoreError::new(StoreErrorKind::Full, "longer than staged"));
            }
            D::PermitLeakedByErrors if position > i64::MAX as u64 => {
                std::mem::forget(permit);
                return Err(StoreError::new(StoreErrorKind::Unsupported, "too far"));
            }
            D::ObjectsChange => {
                let mut state = self.state();
                if let Some(key) = state.published.get(staging).cloned() {
                    state.patches.entry(key).or_insert((position, bytes.clone()));
                }
            }
            _ => {}
        }
        {
            let mut state = self.state();
            let ends = position.saturating_add(bytes.len() as u64).max(end);
            state.ends.insert(staging.clone(), ends);
            state.last = Some((staging.clone(), position, bytes.clone()));
        }
        match self.defect {
            D::PermitEarly => {
                drop(permit);
                yields().await;
                self.inner.write(staging, position, vec![bytes], quiet()).await
            }
            D::PermitLeaked => {
                std::mem::forget(permit);
                self.inner.write(staging, position, vec![bytes], quiet()).await
            }
            D::LateWrite => {
                let late = (staging.clone(), position, bytes.clone());
                let mut dropped = OnDrop(Some(|| self.state().late.push(late.clone())));
                yields().await;
                dropped.0 = None;
                self.inner.write(staging, position, vec![bytes], permit).await
            }
            D::PermitLeakedByDrop => {
                let mut held = Some(permit);
                let mut dropped = OnDrop(Some(|| std::mem::forget(held.take())));
                yields().await;
                dropped.0 = None;
                drop(dropped);
                self.inner.write(staging, position, vec![bytes], held.unwrap()).await
            }
            D::WritersShareABuffer => {
                self.state().buffer = bytes;
                yields().await;
                let bytes = self.state().buffer.clone();
                self.inner.write(staging, position, vec![bytes], permit).await
            }
            D::TornWrite => {
                self.fill(staging, position, 0x55, bytes.len() as u64).await;
                yields().await;
                self.inner.write(staging, position, vec![bytes], permit).await
            }
            D::BlocksRewritten => {
                let start = position / 4096 * 4096;
                let len = (position + bytes.len() as u64).next_multiple_of(4096) - start;
                let mut block = vec![0; len as usize];
                if let Ok(old) = self.inner.read_staged(staging, start..end.min(start + len).max(start)).await
                {
                    block.get_mut(..old.len()).unwrap().copy_from_slice(&old);
                }
                yields().await;
                let at = (position - start) as usize;
                block.get_mut(at..at + bytes.len()).unwrap().copy_from_slice(&bytes);
                self.state().ends.insert(staging.clone(), start + len);
                self.inner.write(staging, start, vec![block.into()], permit).await
            }
            _ => self.inner.write(staging, position, vec![bytes], permit).await,
        }
    }
}

#[async_trait]
impl Mover for BrokenBlobs {
    async fn move_within(
        &self,
        staging: &StagingName,
        from: u64,
        to: u64,
        len: u64,
        permit: Permit,
    ) -> Result<(), StoreError> {
        let staging = &self.name(staging);
        let (permit, len) = match self.defect {
            D::PermitEarlyInMoves => {
                drop(permit);
                yields().await;
                (quiet(), len)
            }
            D::EmptyMoveFails if len == 0 => return Err(StoreError::not_found("no bytes")),
            D::MoveShort => (permit, len.saturating_sub(1)),
            _ => (permit, len),
        };
        let moved = self.inner.mover().unwrap().move_within(staging, from, to, len, permit).await;
        if !self.has(D::MoveOfNothingSucceeds) {
            moved?;
        }
        if self.has(D::MoveEmptiesTooMuch) {
            self.fill(staging, from / 4096 * 4096, 0, len.next_multiple_of(4096)).await;
        }
        if !self.has(D::SyncForgetsCopies) {
            self.state().moved = Some((staging.clone(), to..to + len));
        }
        Ok(())
    }
}

#[async_trait]
impl Copier for BrokenBlobs {
    async fn copy_in(
        &self,
        key: &ObjectKey,
        mut range: Range<u64>,
        staging: &StagingName,
        position: u64,
        permit: Permit,
    ) -> Result<(), StoreError> {
        let length = self.inner.length(key).await?;
        match self.defect {
            D::EmptyCopyFails if range.is_empty() => return Err(StoreError::not_found("no bytes")),
            D::CopyOfNothingSucceeds if length.is_none() => return Ok(()),
            D::CopyCutsSilently => {
                let end = length.unwrap_or(u64::MAX);
                range = range.start.min(end)..range.end.min(end);
            }
            D::CopyShort => range.end = range.end.saturating_sub(1).max(range.start),
            D::CopyFillsTheBlock => self.fill(staging, position / 4096 * 4096, 0, 4096).await,
            D::CopyIsTheObject => drop(self.state().shared.insert(staging.clone(), key.clone())),
            D::PermitLeakedByCopies => {
                std::mem::forget(permit);
                yields().await;
                return self.inner.copier().unwrap().copy_in(key, range, staging, position, quiet()).await;
            }
            D::SyncForgetsCopies => {
                let end = position + (range.end - range.start);
                self.state().moved = Some((staging.clone(), position..end));
            }
            _ => {}
        }
        self.inner.copier().unwrap().copy_in(key, range, staging, position, permit).await
    }
}
