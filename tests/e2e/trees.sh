# Shared by what compares the files of an image as several programs see them. Sourced after lib.sh.

# Every name with type, mode, owner, time, link target; contents; which names are one file; attributes.
listing() {
  (cd "$1" && find . -mindepth 1 \( -path ./proc -o -path ./sys -o -path ./dev \) -prune -o -mindepth 1 -printf '%P|%y|%m|%U:%G|%T@|%l\n' | sort &&
    find . -path ./proc -prune -o -path ./sys -prune -o -path ./dev -prune -o -type f -exec sha256sum {} + | sort -k2 &&
    find . -type f -links +1 -printf '%i %P\n' | sort -k2 | awk '{ l[$1] = l[$1] " " $2 } END { for (i in l) print l[i] }' | sort &&
    getfattr -hRd -m '^(security\.capability|user\.)' . 2>/dev/null | sed 's/[[:space:]]*$//')
}
untar() { mkdir -p "$2" && tar --xattrs --xattrs-include='*' --numeric-owner -C "$2" -xpf "$1"; }
# same NAME DIR: has it the files of the listing $work/want?
same() {
  listing "$2" >"$work/listing"
  diff "$work/want" "$work/listing" >"$work/log" || fail "$1 has other files"
}
