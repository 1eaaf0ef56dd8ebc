"""Lists are cut into numbered pages: {"count", "next", "previous", "results"}."""

from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet
from rest_framework.pagination import PageNumberPagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer


class PageNumbers(PageNumberPagination):
    """``?page=`` from 1, ``?page_size=`` up to 200; a page that is not there is 404."""

    page_size = 50
    invalid_page_message = "There is no such page: they are numbered from 1, and the last one has no 'next'."
    page_size_query_param = "page_size"
    max_page_size = 200


def paged(
    request: Request, rows: QuerySet[Any, Any] | Sequence[Any], serializer: type[BaseSerializer[Any]]
) -> Response:
    """The answer to a list: the page of ``rows`` that the request asks for, each shaped by ``serializer``."""
    pages = PageNumbers()
    page = pages.paginate_queryset(rows, request)
    return pages.get_paginated_response(serializer(page, many=True).data)
