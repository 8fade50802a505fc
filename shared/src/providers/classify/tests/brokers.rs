//! What Calendly and Cal.com say.

use super::*;

#[test]
fn calendlys_refusals() {
    check(
        Source::CalendlyOauth,
        &[
            (
                400,
                r#"{"error":"invalid_grant","error_description":"The provided grant is invalid."}"#,
                Class::NeedsReauth,
            ),
            (401, r#"{"error":"invalid_client"}"#, Class::ConfigFault),
            (401, "", Class::ConfigFault),
            (500, "", Class::Transient),
        ],
    );
    check(
        Source::Calendly,
        &[
            (
                401,
                r#"{"title":"Unauthenticated","message":"The access token expired"}"#,
                Class::RefreshAndRetry,
            ),
            (
                403,
                r#"{"title":"Permission Denied","message":"Please upgrade your account"}"#,
                Class::Permission,
            ),
            (
                403,
                r#"{"title":"Insufficient scope","message":"It needs more.","required_scopes":["users:read"]}"#,
                Class::InsufficientScope,
            ),
            (
                404,
                r#"{"title":"Resource Not Found","message":"The server could not find it."}"#,
                Class::NotFound,
            ),
            (400, r#"{"title":"Invalid Argument","details":[{"parameter":"start_time"}]}"#, Class::Invalid),
            (429, "", Class::Throttle),
        ],
    );
}

#[test]
fn calcoms_refusals() {
    let error = |code: &str, message: &str| {
        format!(r#"{{"status":"error","path":"/v2/x","error":{{"code":"{code}","message":"{message}"}}}}"#)
    };
    check(
        Source::CalcomOauth,
        &[
            (400, r#"{"error":"invalid_grant"}"#, Class::NeedsReauth),
            (401, &error("UnauthorizedException", "Invalid refresh token"), Class::NeedsReauth),
            (400, &error("BadRequestException", "invalid_grant"), Class::NeedsReauth),
            (401, &error("UnauthorizedException", "invalid_client"), Class::ConfigFault),
            (400, &error("BadRequestException", "Validation failed"), Class::Invalid),
        ],
    );
    check(
        Source::Calcom,
        &[
            (401, &error("UNAUTHORIZED", "Invalid Access Token."), Class::RefreshAndRetry),
            (498, &error("TokenExpiredException", "ACCESS_TOKEN_IS_EXPIRED"), Class::RefreshAndRetry),
            (403, &error("ForbiddenException", "Forbidden resource"), Class::Permission),
            (404, &error("NotFoundException", "Booking not found"), Class::NotFound),
            (400, &error("BadRequestException", "start must be a date"), Class::Invalid),
            (409, &error("ConflictException", "Taken"), Class::Conflict),
            (500, &error("INTERNAL_SERVER_ERROR", "Oops"), Class::Transient),
        ],
    );
}
