-- change.lua: another town for one customer of the rep who is logged in.
local common = require("common")
init = common.init
request = function()
	return wrk.format("PATCH", "/v1/customers/" .. common.customer(), nil, '{"city":"Town ' .. math.random(1000000000) .. '"}')
end
done = common.done
