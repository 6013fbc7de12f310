package sandbox

import "net/http"

// Numbers that always fare the same. Those up to …0009 are Twilio's, for test
// credentials (twilio.com/docs/iam/test-credentials); the others are ours.
var (
	magicTo = map[string]apiError{
		"+15005550001": {http.StatusBadRequest, 21211, "Invalid 'To' Phone Number"},
		"+15005550002": {http.StatusBadRequest, 21612, "The 'To' phone number is not currently reachable"},
		"+15005550003": {http.StatusBadRequest, 21408, "Permission to send an SMS has not been enabled for the region"},
		"+15005550004": {http.StatusBadRequest, 21610, "Attempt to send to unsubscribed recipient"},
		"+15005550009": {http.StatusBadRequest, 21614, "'To' number is not a valid mobile number"},
	}
	magicFrom = map[string]apiError{
		"+15005550001": {http.StatusBadRequest, 21212, "Invalid 'From' Phone Number"},
		"+15005550007": {http.StatusBadRequest, 21606, "The 'From' phone number is not owned by your account"},
		"+15005550008": {http.StatusBadRequest, 21611, "The 'From' number has exceeded its queue"},
	}
)

// Our own numbers.
const (
	ToDelivered     = "+15005550010"
	ToUndelivered   = "+15005550011" // 30003: handset off
	ToFiltered      = "+15005550012" // 30007: filtered
	ToOptedOutLate  = "+15005550013" // 21610 in a callback
	ToAcceptedFails = "+15005550014" // taken on, then 503
	ToHangs         = "+15005550015" // not taken on, no answer
	ToThrottled     = "+15005550016" // two 429, then taken on
	ToUntidy        = "+15005550017" // callbacks twice and in the wrong order
)

// magicFault returns how a create to one of our numbers fares, given which attempt
// at a text it is.
func magicFault(to string, attempt int) (Fault, bool) {
	switch {
	case to == ToAcceptedFails:
		return Fault{Do: Fail, Status: http.StatusServiceUnavailable, Accept: true}, true
	case to == ToHangs:
		return Fault{Do: Hang}, true
	case to == ToThrottled && attempt <= 2:
		return Fault{Do: Throttle, RetryAfter: 1}, true
	case to == ToUntidy:
		return Fault{Callbacks: &Callbacks{Duplicate: true, Reorder: true}}, true
	}
	return Fault{}, false
}

// ending returns what becomes of a text to a number.
func ending(to string) Step {
	switch to {
	case ToUndelivered:
		return Step{"undelivered", 30003}
	case ToFiltered:
		return Step{"failed", 30007}
	case ToOptedOutLate:
		return Step{"failed", 21610}
	}
	return Step{Status: "delivered"}
}
