"""GET with If-None-Match or If-Match."""

from django.http import HttpRequest, HttpResponse
from django.middleware.http import ConditionalGetMiddleware

from portal.common.errors import PortalError
from portal.common.exception_handler import answer
from wire.errors import HTTP_STATUS, ErrorCode


class ConditionalMiddleware(ConditionalGetMiddleware):
    """Django's, whose refusal has no body: here it has the one error shape."""

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        """See Django."""
        answered = super().process_response(request, response)
        if answered.status_code != HTTP_STATUS[ErrorCode.PRECONDITION_FAILED]:
            return answered
        return answer(
            PortalError(
                "What is here has not the ETag that If-Match names: leave the header out, or ask for it anew.",
                code=ErrorCode.PRECONDITION_FAILED,
            )
        )
