-- common.lua: what the scripts of wrk share. Arguments: access token, number of customers, number of the rep (seed.sql).
local common = {}
local count, rep

function common.init(args)
	count, rep = tonumber(args[1 + 1]), tonumber(args[2 + 1])
	wrk.headers["Authorization"] = "Bearer " .. args[1]
	wrk.headers["Content-Type"] = "application/json"
	wrk.headers["If-Match"] = "*"
	math.randomseed(os.time() + tonumber(tostring({}):match("0x(%x+)"), 16) % 100000)
end

-- The number of a customer of the rep, and its id.
function common.number()
	return 6 * math.random(1, math.floor(count / 6) - 1) + rep
end
function common.customer()
	return string.format("01920000-0000-7000-8000-%012d", common.number())
end

-- One line that tests/bench/run reads: requests, seconds, median and p99 in ms, failures.
function common.done(summary, latency)
	local e = summary.errors
	print(string.format("bench %d %.6f %.3f %.3f %d", summary.requests, summary.duration / 1e6,
		latency:percentile(50) / 1000, latency:percentile(99) / 1000, e.status + e.connect + e.read + e.write + e.timeout))
end

return common
