-- read.lua: one customer of the rep who is logged in, another one each time.
local common = require("common")
init = common.init
request = function()
	return wrk.format("GET", "/v1/customers/" .. common.customer())
end
done = common.done
