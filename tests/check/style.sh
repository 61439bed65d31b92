#!/bin/bash
# style.sh -- the rules of taste that a script can see: size, first lines, words that are not written here.
set -euo pipefail
cd "$(dirname "$0")/../.."

most=300
bad=0
wrong() { echo "style: $*"; bad=1; }

for file in lib/*.[ch] cgi/*.c; do
	[ -f "$file" ] || continue
	lines=$(wc -l <"$file")
	((lines <= most)) || wrong "$file has $lines lines, more than $most: find the second module inside"
	head -n 1 "$file" | grep -qE "^/\* $(basename "$file" | sed 's/\./\\./') -- .+" ||
		wrong "$file: the first line is no /* $(basename "$file") -- what it is */"
done

# A word, why not, and the file or folder that may.
words='PQescape|values travel as parameters, never inside SQL|-
\<v?sprintf *\(|snprintf or arena_print|-
\<strcpy *\(|it does not know where to stop|-
\<strcat *\(|it does not know where to stop|-
\<gets *\(|it does not know where to stop|-
jwt_decode|all of libjwt is in one file|lib/token.c
\<system *\(|no other program is ever started|-
\<popen *\(|no other program is ever started|-
\<exec[lv]p?e? *\(|no other program is ever started|-
\<PQexec *\(|only prepared statements with parameters|-
\<free *\(|what belongs to a request comes from its arena|lib/'
for file in lib/*.[ch] cgi/*.c; do
	[ -f "$file" ] || continue
	code=$(gcc -fpreprocessed -dD -E -P "$file" 2>/dev/null) # the comments gone
	while IFS='|' read -r word why where; do
		[[ $file != "$where"* ]] || continue
		hit=$(grep -m1 -E "$word" <<<"$code") || continue
		wrong "$file: $hit: $why"
	done <<<"$words"
done

exit $bad
