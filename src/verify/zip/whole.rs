//! The check of a zip that lies there as a whole.

use super::content::Content;
use super::directory::{Directory, Extent};
use super::entries::Names;
use super::h1::{self, Sum};
use super::header::Header;
use super::rules;
use crate::verify::failed::Failed;
use crate::verify::whole_file::WholeFile;

/// An archive that opens.
pub(crate) struct Opened {
    file: WholeFile,
    directory: Directory,
    extent: Extent,
}

impl Opened {
    /// Needs little memory.
    pub(crate) fn open(file: WholeFile) -> Result<Self, Failed> {
        rules::check_len(file.len())?;
        let directory = Directory::find(&file)?;
        let extent = directory.measure(&file)?;
        Ok(Self {
            file,
            directory,
            extent,
        })
    }

    /// How many bytes of memory [`check`](Self::check) needs.
    pub(crate) fn memory(&self) -> usize {
        // Each has a header, a sum, the end of its name, and a place in an order.
        let each = size_of::<(Header, Sum, u32, u32)>();
        self.extent.names + self.extent.files * each
    }

    /// Checks all rules, unpacks every file, and returns the `h1:`.
    pub(crate) fn check(&self, prefix: &str) -> Result<String, Failed> {
        let Extent { files, names } = self.extent;
        let mut names = Names::with_capacity(files, names);
        let mut headers = Vec::with_capacity(files);
        self.directory.each(&self.file, |header, name| {
            names.push(name);
            headers.push(header);
            Ok(())
        })?;
        rules::check(&names, |index| headers[index].size, prefix)?;
        let order = names.sorted(Ord::cmp);
        let mut sums = vec![h1::of_nothing(); files];
        let mut content = Content::new(&self.file);
        for (place, index) in order.iter().enumerate() {
            let (index, next) = (*index as usize, order.get(place + 1));
            // A folder may be listed twice. Go looks at the last one.
            if next.is_none_or(|next| names.get(*next as usize) != names.get(index)) {
                sums[index] = content.sum(&headers[index], names.is_folder(index))?;
            }
        }
        Ok(h1::of_files(&names, &order, |index| sums[index]))
    }
}
