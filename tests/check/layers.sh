#!/bin/bash
# layers.sh -- a file of lib/ includes only what lies on a shelf below its own, and each foreign
# library is known to one module.
set -euo pipefail
cd "$(dirname "$0")/../.."

# From the bottom. fcgi:cgi:workers is one module in several files, and those behind a colon are for it alone;
# param+body is one too, and both are for everybody above.
shelves='
arena log address
buf conf arg rows post
req mail show mark
http
fault cursor table decode
fcgi:cgi:workers:listen token:keys:jose param+body+value+number:members db:trip:pq secret
part
render html sheet:forms batch
page
handover:sections
app+openapi+outbox+download+upload+refused
'

# Header, and the files that may include it.
foreign='
fcgiapp.h fcgi.c
fcgi_stdio.h -
jwt.h token.c
curl/curl.h post.c
xlsxwriter.h sheet_xlsx.c
csv.h table.c
iconv.h decode.c
libpq-fe.h pq.h rows.h trip.c db.c render.c
'

declare -A shelf family private
n=0
while read -r line; do
	for group in $line; do
		for name in ${group//[:+]/ }; do
			shelf[$name]=$n
			family[$name]=${group%%[:+]*}
			[[ $group == *:$name* ]] && private[$name]=1
		done
	done
	n=$((n + 1))
done <<<"$shelves"

bad=0
wrong() { echo "layers: $*"; bad=1; }

for file in lib/*.[ch]; do
	name=$(basename "${file%.*}")
	own=$name
	# fault_sql.c has no header of its own: it is part of fault.
	while [ ! -f "lib/$own.h" ] && [[ $own == *_* ]]; do own=${own%_*}; done
	if [ -z "${shelf[$own]-}" ]; then
		wrong "$file: $own is on no shelf; put it on one in $0"
		continue
	fi
	while IFS=: read -r line used; do
		if [ -z "${shelf[$used]-}" ]; then
			wrong "$file:$line: $used.h is on no shelf"
		elif [ "${family[$used]}" = "${family[$own]}" ]; then
			:
		elif ((shelf[$used] >= shelf[$own])); then
			wrong "$file:$line: $used.h is not below $own"
		elif [ -n "${private[$used]-}" ]; then
			wrong "$file:$line: $used.h is for ${family[$used]} only"
		fi
	done < <(sed -n 's/^[[:space:]]*#[[:space:]]*include "\(.*\)\.h".*/\1/;T;=;p' "$file" | paste -d: - -)
done

for file in cgi/*.c; do
	[ -f "$file" ] || continue
	# Passwords and tokens are for the sessions program alone.
	[ "$file" = cgi/sessions.c ] && mine='"(app|secret)\.h"' || mine='"app\.h"'
	grep -nE '^[[:space:]]*#[[:space:]]*include "' "$file" | grep -vE "$mine" |
		sed "s|^|layers: $file: a program includes app.h only: |" && bad=1
done

while read -r header allowed; do
	[ -n "$header" ] || continue
	for file in $(grep -lE "^[[:space:]]*#[[:space:]]*include <$header>" lib/*.[ch] cgi/*.c 2>/dev/null); do
		[[ " $allowed " == *" $(basename "$file") "* ]] || wrong "$file: $header is for $allowed only"
	done
done <<<"$foreign"

exit $bad
