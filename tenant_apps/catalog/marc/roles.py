"""What a contributor did, from relator codes ($4, MARC Code List for Relators) and terms ($e, $j)."""

from .facts import MaterialType, Role
from .fold import fold
from .record import DataField

_CODES = {
    code: role
    for role, codes in {
        Role.AUTHOR: "aut aui aus aft lbt lyr",
        Role.CREATOR: "cre",
        Role.EDITOR: "edt edc edm pbd red",
        Role.TRANSLATOR: "trl",
        Role.ILLUSTRATOR: "ill art",
        Role.COMPILER: "com",
        Role.COMPOSER: "cmp arr",
        Role.CONDUCTOR: "cnd",
        Role.DIRECTOR: "drt fmd",
        Role.NARRATOR: "nrt vac",
        Role.PERFORMER: "prf act sng mus itr voc",
        Role.PHOTOGRAPHER: "pht",
        Role.PRODUCER: "pro fmp prn",
        Role.PUBLISHER: "pbl isb",
    }.items()
    for code in codes.split()
}
# Folded terms and abbreviations in the languages that records come in, parted by commas; a term of a record
# is looked up as a whole, then by its first word ("editor of compilation").
_TERMS = {
    term: role
    for role, terms in {
        Role.AUTHOR: "author,joint author,auteur,autore,autor,verfasser,verfasserin,librettist,lyricist,"
        "writer,screenwriter",
        Role.CREATOR: "creator",
        Role.EDITOR: "editor,joint editor,ed,eds,hrsg,herausgeber,herausgeberin,curatore,cur,a cura di,"
        "editeur scientifique,redactor",
        Role.TRANSLATOR: "translator,joint translator,tr,trans,trad,traduttore,traducteur,traductor,"
        "ubersetzer,ubersetzerin",
        Role.ILLUSTRATOR: "illustrator,joint illustrator,ill,illus,artist,illustratore,illustrateur,"
        "ilustrador",
        Role.COMPILER: "compiler,joint compiler,comp",
        Role.COMPOSER: "composer,arranger,compositore,compositeur,komponist",
        Role.CONDUCTOR: "conductor",
        Role.DIRECTOR: "director,film director,regista,regisseur",
        Role.NARRATOR: "narrator,voice actor,reader",
        Role.PERFORMER: "performer,prf,singer,actor,instrumentalist,musician",
        Role.PHOTOGRAPHER: "photographer",
        Role.PRODUCER: "producer,film producer,production company",
        Role.PUBLISHER: "publisher,issuing body",
    }.items()
    for term in terms.split(",")
}

_TEXTS = frozenset((MaterialType.BOOK, MaterialType.EBOOK, MaterialType.SERIAL, MaterialType.MANUSCRIPT))


def contributor_role(field: DataField, *, is_main: bool, material: MaterialType) -> Role:
    """The first known role that the field names; else a text's main entry is its author."""
    for value in field.values("4"):
        # A code may come as its address: http://id.loc.gov/vocabulary/relators/aut
        role = _CODES.get(value.strip().rpartition("/")[2].rstrip(".,").lower())
        if role is not None:
            return role
    # $j holds the term in meeting names, where $e is a part of the name.
    for value in field.values("j" if field.tag.endswith("11") else "e"):
        term = fold(value[:100])
        role = _TERMS.get(term) or _TERMS.get(term.partition(" ")[0])
        if role is not None:
            return role
    if not is_main:
        return Role.CONTRIBUTOR
    if material in _TEXTS:
        return Role.AUTHOR
    return Role.COMPOSER if material is MaterialType.SCORE else Role.CREATOR
