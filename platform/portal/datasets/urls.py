"""Addresses under /api/v1/tenants/{tenant}/."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
