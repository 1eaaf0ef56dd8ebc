"""Fields of requests and answers that all apps share."""

from typing import Any, NoReturn

from rest_framework import serializers

MAX_NAMED = 12


class ChoiceField(serializers.ChoiceField):
    """Django REST framework's, but what it refuses it answers with the choices, or the first ones of many."""

    def fail(self, key: str, **kwargs: Any) -> NoReturn:
        """Raises ValidationError."""
        if key == "invalid_choice":
            named = [str(choice) for choice in list(self.choices)[:MAX_NAMED]]
            more = len(self.choices) - len(named)
            told = ", ".join(named) + (f" and {more} more" if more else "")
            raise serializers.ValidationError(
                f'"{kwargs["input"]}" is not a valid choice: give one of {told}.', code=key
            )
        super().fail(key, **kwargs)
