# Of the words given to make that it does not know, those that are nearly one it does: WORD=KNOWN, one a line.
#
#   awk -v given="PREFX" -v known="PREFIX DESTDIR" -f tools/misspelt.awk
#
# Nearly is one letter too many, too few, another one, or two that changed places, whatever the case and the "_".

function folded(word) { word = toupper(word); gsub(/_/, "", word); return word }

function near(a, b) {
  while (a != "" && substr(a, 1, 1) == substr(b, 1, 1)) { a = substr(a, 2); b = substr(b, 2) }
  while (a != "" && substr(a, length(a)) == substr(b, length(b))) {
    a = substr(a, 1, length(a) - 1); b = substr(b, 1, length(b) - 1)
  }
  return length(a) <= 1 && length(b) <= 1 || length(a) == 2 && b == substr(a, 2) substr(a, 1, 1)
}

BEGIN {
  count = split(given, words, " "); split(known, names, " ")
  for (i = 1; i <= count; i++)
    for (j = 1; j in names; j++)
      if (length(names[j]) > 3 && near(folded(words[i]), folded(names[j]))) { print words[i] "=" names[j]; break }
}
