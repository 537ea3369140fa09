//! GLB (glTF 2.0, section 4.4): the JSON chunk; of the binary one only the length.

use super::super::details::{Details, Dimensions};
use super::super::error::{Result, unreadable};
use super::super::reader::Reader;
use super::bounds::{Bounds, Matrix};
use super::gltf::{Accessor, Gltf, Link, Node};

/// The largest JSON chunk that is read, in bytes.
const MAX_JSON: u64 = 8 << 20;
const FLOAT: u32 = 5126;
const POSITION_SIZE: u64 = 12;

pub(in super::super) fn glb(reader: &mut Reader<'_>) -> Result<Details> {
    const HEADER: &str = "header";
    let mut details = Details::default();
    if &reader.array(HEADER)? != b"glTF\x02\0\0\0" {
        return unreadable("expected the header of a GLB of version 2, got something else");
    }
    let claimed = u64::from(reader.u32_le(HEADER)?);
    let json = u64::from(reader.u32_le(HEADER)?);
    if reader.array(HEADER)? != *b"JSON" {
        return unreadable("the first chunk is not the model's JSON");
    }
    if json > reader.left() || json + 20 > claimed {
        return unreadable(format!("the model's JSON claims {json} bytes, more than the file has"));
    }
    if json > MAX_JSON {
        details.warn(format!("the model's JSON has {json} bytes: too large to read"));
        return Ok(details);
    }
    if claimed != reader.length() {
        details.warn(format!("the file claims {claimed} bytes and has {}", reader.length()));
    }
    let json = reader.vec(json, "JSON")?;
    let binary = binary(reader)?;
    let model: Gltf = match serde_json::from_slice(&json) {
        Ok(model) => model,
        Err(error) => return unreadable(format!("the model's JSON cannot be read: {error}")),
    };
    drop(json);
    let outside = |link: Option<Link>| link == Some(Link::Outside);
    if model.buffers.0.iter().any(|buffer| outside(buffer.uri))
        || model.images.0.iter().any(|image| outside(image.uri))
    {
        details.warn("the model refers to other files, which were not looked at");
    }
    details.material_count = Some(model.materials.0.len() as u64);
    vertices(&model, binary, &mut details)?;
    match extent(&model) {
        Some(extent) => details.dimensions = Some(Dimensions::Space(extent)),
        None => details.warn("the model's scene has no extent that could be told"),
    }
    Ok(details)
}

/// How many bytes the binary chunk has, which comes next if there is one.
fn binary(reader: &mut Reader<'_>) -> Result<u64> {
    if reader.left() < 8 {
        return Ok(0);
    }
    let length = u64::from(reader.u32_le("chunks")?);
    Ok(if reader.array("chunks")? == *b"BIN\0" { length.min(reader.left()) } else { 0 })
}

/// Counts each accessor once that some mesh takes its positions from.
fn vertices(model: &Gltf, binary: u64, details: &mut Details) -> Result<()> {
    let mut seen = vec![false; model.accessors.0.len()];
    let mut count = Some(0_u64);
    let primitives = model.meshes.0.iter().flat_map(|mesh| &mesh.primitives.0);
    for primitive in primitives {
        let Some(index) = primitive.attributes.position else { continue };
        let (Some(accessor), Some(seen)) = (model.accessors.get(index), seen.get_mut(index as usize)) else {
            return unreadable(format!(
                "a mesh takes its positions from accessor {index}, which is not there"
            ));
        };
        if std::mem::replace(seen, true) {
            continue;
        }
        // Compressed ones are believed while they could be in the binary chunk.
        let compressed = primitive.extensions.draco.is_some() && accessor.count / 64 <= binary;
        let stored = compressed || is_stored(model, index, accessor, binary)?;
        count = count.filter(|_| stored).map(|count| count.saturating_add(accessor.count));
    }
    details.vertex_count = count;
    if count.is_none() {
        details.warn("the model claims vertices that are not in the file");
    }
    Ok(())
}

/// Whether the positions are in the file. If they should be and cannot be, the model is broken.
fn is_stored(model: &Gltf, index: u32, accessor: &Accessor, binary: u64) -> Result<bool> {
    let broken = || unreadable(format!("the positions of accessor {index} do not fit where they should be"));
    let Some(view) = accessor.buffer_view else { return Ok(accessor.count == 0) };
    let Some(view) = model.buffer_views.get(view) else { return broken() };
    let Some(buffer) = model.buffers.get(view.buffer) else { return broken() };
    // Quantised positions are shorter, in steps of any length.
    let size = if accessor.component_type == FLOAT { POSITION_SIZE } else { 3 };
    let stride = view.byte_stride.unwrap_or(size).max(size);
    let last = accessor.count.saturating_sub(1).checked_mul(stride).and_then(|n| n.checked_add(size));
    let needed = last.and_then(|last| last.checked_add(accessor.byte_offset));
    let end = view.byte_offset.checked_add(view.byte_length);
    // The first buffer without a URI is the binary chunk.
    let room = match buffer.uri {
        None => buffer.byte_length.min(binary),
        Some(_) => buffer.byte_length,
    };
    if needed.is_none_or(|needed| needed > view.byte_length) || end.is_none_or(|end| end > room) {
        return broken();
    }
    Ok(buffer.uri != Some(Link::Outside))
}

/// The extent of the scene: every node once, so that a cycle ends.
fn extent(model: &Gltf) -> Option<[f64; 3]> {
    let mut bounds = Bounds::NOTHING;
    let mut seen = vec![false; model.nodes.0.len()];
    let scene = model.scenes.get(model.scene)?;
    // Each list of children is walked in place: a copy of all would cost a matrix for each.
    let mut to_visit = vec![(scene.nodes.0.iter(), Matrix::SAME)];
    while let Some((siblings, outer)) = to_visit.last_mut() {
        let Some(index) = siblings.next() else {
            to_visit.pop();
            continue;
        };
        let (Some(node), Some(seen)) = (model.nodes.get(*index), seen.get_mut(*index as usize)) else {
            continue;
        };
        if std::mem::replace(seen, true) {
            continue;
        }
        let matrix = outer.after(&matrix(node));
        to_visit.push((node.children.0.iter(), matrix));
        let mesh = node.mesh.and_then(|mesh| model.meshes.get(mesh));
        for primitive in mesh.iter().flat_map(|mesh| &mesh.primitives.0) {
            let accessor =
                primitive.attributes.position.and_then(|position| model.accessors.get(position))?;
            // Positions must say their extremes, so the binary chunk need not be read.
            let ([x, y, z], [to_x, to_y, to_z]) = (accessor.min?.0?, accessor.max?.0?);
            for x in [x, to_x] {
                for y in [y, to_y] {
                    for z in [z, to_z] {
                        bounds.add(matrix.moves([x, y, z]));
                    }
                }
            }
        }
    }
    bounds.extent()
}

fn matrix(node: &Node) -> Matrix {
    match &node.matrix {
        Some(matrix) => Matrix::new(**matrix),
        None => Matrix::of_parts(
            node.translation.unwrap_or_default(),
            node.rotation.unwrap_or([0.0, 0.0, 0.0, 1.0]),
            node.scale.unwrap_or([1.0; 3]),
        ),
    }
}
