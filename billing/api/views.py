"""Stripe's webhook. Outside of DRF: the signature covers the raw bytes, which no parser may touch first."""

from http import HTTPStatus

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from billing import services
from saas.core import clock
from saas.core.api.problems import problem_response
from saas.core.errors import BodyTooLarge, DomainError, MalformedBody, MethodNotAllowed

# Stripe's largest events are some tens of kilobytes.
MAX_BODY_BYTES = 256 * 1024


@csrf_exempt
def stripe_webhook(request: HttpRequest) -> HttpResponse:
    """Store an event and acknowledge it: 200 `{"received": true}`, also for one that came before.

    400 for a signature that is not good, 405 for another method than POST, 413 above 256 KiB. The signature
    stands in for a session and a CSRF token: only Stripe can make one.
    """
    if request.method != "POST":
        refusal = problem_response(MethodNotAllowed(), request)
        refusal["Allow"] = "POST"
        return refusal
    try:
        signature = request.headers.get("Stripe-Signature", "")
        services.receive_webhook(payload=_body(request), signature=signature, now=clock.now())
    except DomainError as error:
        return problem_response(error, request)
    return JsonResponse({"received": True}, status=HTTPStatus.OK)


def _body(request: HttpRequest) -> bytes:
    announced = request.META.get("CONTENT_LENGTH") or "0"
    if announced.isascii() and announced.isdigit() and int(announced) > MAX_BODY_BYTES:
        raise BodyTooLarge
    try:
        body = request.read(MAX_BODY_BYTES + 1)
    except OSError as error:
        # The sender went away in the middle of its body.
        raise MalformedBody from error
    if len(body) > MAX_BODY_BYTES:
        raise BodyTooLarge
    return body
