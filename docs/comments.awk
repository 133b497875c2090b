# For Doxygen: the plain comments of Snag's headers as documentation. A block of // lines right before code describes it,
# a comment after code describes what stands before it; a block that a blank line follows belongs to no one thing and
# stays plain. What Doxygen would take for a command or a tag is escaped.
function escaped(text) {
  gsub(/[\\@<>#%&]/, "\\\\&", text)
  gsub(/::/, "\\::", text)
  return text
}
function flush(documents,   i) {
  for (i = 1; i <= held; ++i) print documents ? indent[i] "/// " escaped(words[i]) : indent[i] "// " words[i]
  held = 0
}
/^[ ]*\/\/( |$)/ {
  match($0, /^[ ]*/)
  ++held
  indent[held] = substr($0, 1, RLENGTH)
  words[held] = substr($0, RLENGTH + 4)
  next
}
{ flush($0 !~ /^[ ]*$/) }
match($0, /[^ ] +\/\/ /) && $0 !~ /^[ ]*}/ && $0 !~ /"[^"]*\/\/[^"]*"/ {
  cut = index($0, "// ")
  print substr($0, 1, cut - 1) "///< " escaped(substr($0, cut + 3))
  next
}
{ print }
END { flush(0) }
