use upload_core::ports::PartRules;

/// The interface that a store speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// Amazon S3 and what speaks its language.
    S3,
    /// Azure Blob Storage.
    Azure,
    /// Google Cloud Storage, by its XML API.
    Gcs,
    /// In this process's memory, for tests.
    Memory,
}

/// Whose store it is: what differs between those that speak the same language.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Profile {
    /// Amazon S3.
    Aws,
    /// Cloudflare R2: all parts but the last have the same size.
    R2,
    /// Another that speaks as S3 does: MinIO, SeaweedFS, Ceph.
    Compatible,
    /// Google Cloud Storage.
    Gcs,
    /// Azure Blob Storage.
    Azure,
    /// In this process's memory.
    Memory,
}

impl Profile {
    /// What the address tells: `endpoint` is the one configured, if any.
    #[cfg(any(feature = "cloud", test))]
    pub(super) fn guess(kind: Kind, endpoint: Option<&str>) -> Self {
        match (kind, endpoint) {
            (Kind::Gcs, _) => Self::Gcs,
            (Kind::Azure, _) => Self::Azure,
            (Kind::Memory, _) => Self::Memory,
            (Kind::S3, None) => Self::Aws,
            (Kind::S3, Some(endpoint)) => {
                let host = endpoint.split_once("://").map_or(endpoint, |(_, rest)| rest);
                let host = host.split(['/', ':']).next().unwrap_or_default();
                let under = |domain: &str| host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.'));
                if under("r2.cloudflarestorage.com") {
                    Self::R2
                } else if under("amazonaws.com") || under("amazonaws.com.cn") {
                    Self::Aws
                } else {
                    Self::Compatible
                }
            }
        }
    }

    /// What it asks of the parts of an object.
    ///
    /// Sources: "Amazon S3 multipart upload limits", "XML API multipart uploads" of Google Cloud Storage, "Scalability and
    /// performance targets for Blob storage" of Azure, "Upload objects" of Cloudflare R2.
    pub fn part_rules(self) -> PartRules {
        let mut rules = match self {
            Self::Azure => PartRules::azure(),
            _ => PartRules::s3(),
        };
        rules.equal = self == Self::R2;
        rules
    }

    /// Whether it lists uploads under way in the order of their keys, from a key on. Where it does not, as SeaweedFS, which
    /// lists them by their ids, each page of such a listing reads all of them.
    #[cfg(any(feature = "s3", feature = "gcs"))]
    pub(super) fn lists_uploads_in_order(self) -> bool {
        matches!(self, Self::Aws | Self::Gcs)
    }

    /// Whether it makes parts of other objects (S3's `UploadPartCopy`). Google's XML API does not; Azure wants another signature for
    /// the source.
    pub fn copies_parts(self) -> bool {
        matches!(self, Self::Aws | Self::R2 | Self::Compatible)
    }

    /// Most bytes of one object.
    pub fn max_object(self) -> u64 {
        match self {
            // 10,000 parts of 5 GiB: S3 raised its limit from 5 TiB to 50 TB in 2025; others kept the smaller one.
            Self::Aws | Self::R2 | Self::Compatible | Self::Gcs | Self::Memory => 5 << 40,
            // 50,000 blocks of 4,000 MiB.
            Self::Azure => 50_000 * (4000 << 20),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_tells_whose_store_it_is() {
        let cases = [
            (None, Profile::Aws),
            (Some("https://s3.eu-west-1.amazonaws.com"), Profile::Aws),
            (Some("https://s3.cn-north-1.amazonaws.com.cn/"), Profile::Aws),
            (Some("https://0123.r2.cloudflarestorage.com"), Profile::R2),
            (Some("https://0123.eu.r2.cloudflarestorage.com:443/x"), Profile::R2),
            (Some("http://127.0.0.1:9000"), Profile::Compatible),
            (Some("https://amazonaws.com.evil.example"), Profile::Compatible),
            (Some("https://xr2.cloudflarestorage.com"), Profile::Compatible),
        ];
        for (endpoint, expected) in cases {
            assert_eq!(Profile::guess(Kind::S3, endpoint), expected, "{endpoint:?}");
        }
        assert_eq!(Profile::guess(Kind::Gcs, Some("http://x")), Profile::Gcs);
        assert!(Profile::R2.part_rules().equal && !Profile::Aws.part_rules().equal);
        assert!(!Profile::Azure.part_rules().numbered);
    }
}
