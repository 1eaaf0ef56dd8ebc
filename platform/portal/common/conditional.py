"""GET with If-None-Match or If-Match."""

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.http import ConditionalGetMiddleware

from portal.common.errors import PortalError
from portal.common.exception_handler import answer
from wire.errors import HTTP_STATUS, ErrorCode


class ConditionalMiddleware(ConditionalGetMiddleware):
    """Django's, whose refusal has no body: here it has the one error shape."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """See Django."""
        answered = super().process_response(request, response)
        if answered.status_code != HTTP_STATUS[ErrorCode.PRECONDITION_FAILED]:
            return answered
        return answer(
            PortalError(
                "If-Match names another ETag than there is: leave the header out, or ask for the new one.",
                code=ErrorCode.PRECONDITION_FAILED,
            )
        )
