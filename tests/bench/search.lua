-- search.lua: one kind of search (argument 4) by whoever is logged in, for another customer each time.
local common = require("common")
local kind
local asks = {
	whole = function(n) return "Customer%20" .. n end,
	prefix = function(n) return 1000 + math.floor(n / 10) end,
	unselective = function() return "cus" end,
	two_words = function(n) return "cust%20" .. math.floor(n / 10) end,
	phone = function(n) return string.format("%%2B49%%2030%%20%08d", n) end,
	email = function(n) return "info%40c" .. n .. ".example" end,
	typing_error = function(n) return "Custmoer%20" .. n end,
	typing_errors = function() return "csutomer" end,
	nothing = function(n) return "nobody%20" .. n end,
}
init = function(args)
	common.init(args)
	kind = asks[args[4]]
end
request = function()
	return wrk.format("GET", "/v1/search?q=" .. kind(common.number()))
end
done = common.done
