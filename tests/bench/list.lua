-- list.lua: the first page of the rep who is logged in.
local common = require("common")
init = common.init
request = function()
	return wrk.format("GET", "/v1/customers?limit=50")
end
done = common.done
