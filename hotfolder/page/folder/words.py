"""Times, sizes and numbers as people write them. Pure."""

from datetime import datetime, timedelta

__all__ = ["bytes_in_words", "duration", "moment", "number", "time_to_go"]


def duration(seconds: float | None) -> str:
    """`40 s`, `3 min`, `2 h 5 min`, `3 days`; empty if it is not known."""
    if seconds is None or seconds < 0:
        return ""
    if seconds < 59.5:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    return f"{round(hours / 24)} days"


def time_to_go(fraction: float, since: datetime | None, now: datetime) -> float | None:
    """Seconds until a work is done of which `fraction` took the time since; None: too early."""
    if since is None or not 0.02 <= fraction < 1:
        return None
    return (now - since).total_seconds() * (1 - fraction) / fraction


def moment(time: datetime, now: datetime) -> str:
    """`14:32` of today, `yesterday, 14:32`, `12 March, 14:32`, `12 March 2025`; both local."""
    clock = f"{time:%H:%M}"
    if time.date() == now.date():
        return clock
    if time.date() == (now - timedelta(days=1)).date():
        return f"yesterday, {clock}"
    if time.year == now.year:
        return f"{time.day} {time:%B}, {clock}"
    return f"{time.day} {time:%B %Y}"


def bytes_in_words(count: int | None) -> str:
    """`840 kB`, `3.4 MB`, `120 GB`; empty if it is not known."""
    if count is None:
        return ""
    size, units = float(count), ["bytes", "kB", "MB", "GB", "TB"]
    while size >= 999.5 and len(units) > 1:
        size /= 1000
        del units[0]
    whole = size >= 9.95 or units[0] == "bytes"
    return f"{size:.{0 if whole else 1}f} {units[0]}"


def number(value: float) -> str:
    """Three figures, thousands apart: `12 300`, `1.25 million`."""
    if abs(value) >= 999_500:
        for word, unit in (("billion", 1e9), ("million", 1e6)):
            if abs(value) >= 0.9995 * unit:
                return f"{value / unit:.3g} {word}"
    rounded = float(f"{value:.3g}")
    return f"{rounded:,.0f}".replace(",", " ") if abs(rounded) >= 100 else f"{rounded:g}"
