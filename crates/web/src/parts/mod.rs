//! Parts that several pages share. Each turns plain values into markup; none uses the store.

pub(crate) mod band;
pub(crate) mod done;
pub(crate) mod facets;
pub(crate) mod found;
pub(crate) mod highlight;
pub(crate) mod icons;
pub(crate) mod marked;
pub(crate) mod marks;
pub(crate) mod newest;
pub(crate) mod note;
pub(crate) mod openid;
pub(crate) mod practice;
pub(crate) mod reads;
pub(crate) mod search_box;
pub(crate) mod search_facets;
pub(crate) mod shelf;
pub(crate) mod statements;
