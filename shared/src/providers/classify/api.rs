//! The codes by which the vendors' APIs refuse, and what each of them means.

use super::codes::{Phrase, Rule};
use crate::providers::failure::Class;

/// Google Calendar's `reason`s (developers.google.com/calendar/api/guides/errors) and `google.rpc.ErrorInfo`.
pub(super) const GOOGLE: &[Rule] = &[
    (
        // PROVIDERS.md G11: these come as 403, and are not about rights.
        Class::Throttle,
        &[
            "rateLimitExceeded",
            "userRateLimitExceeded",
            "quotaExceeded",
            "dailyLimitExceeded",
            "variableTermLimitExceeded",
            "concurrentLimitExceeded",
            "servingLimitExceeded",
            "limitExceeded",
            "RATE_LIMIT_EXCEEDED",
            "RESOURCE_EXHAUSTED",
        ],
    ),
    (
        Class::InsufficientScope,
        &["ACCESS_TOKEN_SCOPE_INSUFFICIENT", "insufficientPermissions", "insufficient_scope"],
    ),
    (
        Class::ConfigFault,
        &[
            "accessNotConfigured",
            "SERVICE_DISABLED",
            "dailyLimitExceededUnreg",
            "keyInvalid",
            "keyExpired",
            "API_KEY_INVALID",
            "API_KEY_SERVICE_BLOCKED",
            "CONSUMER_INVALID",
            "CONSUMER_SUSPENDED",
            "BILLING_DISABLED",
            "USER_PROJECT_DENIED",
            "ipRefererBlocked",
        ],
    ),
    (Class::NoMailbox, &["notACalendarUser"]),
    (Class::Resync, &["fullSyncRequired", "updatedMinTooLongAgo"]),
    (Class::Conflict, &["conditionNotMet", "conflict"]),
    (Class::Duplicate, &["duplicate", "ALREADY_EXISTS"]),
    (Class::Gone, &["deleted", "resourceDeleted"]),
    (
        Class::RefreshAndRetry,
        &[
            "authError",
            "invalid_token",
            "ACCESS_TOKEN_EXPIRED",
            "ACCESS_TOKEN_TYPE_UNSUPPORTED",
            "UNAUTHENTICATED",
        ],
    ),
    (Class::NotFound, &["notFound", "NOT_FOUND"]),
    (
        Class::Permission,
        &[
            "forbidden",
            "forbiddenForNonOrganizer",
            "requiredAccessLevel",
            "forbiddenForServiceAccounts",
            "domainPolicy",
            "accessDenied",
            "PERMISSION_DENIED",
        ],
    ),
    (Class::Transient, &["backendError", "internalError", "INTERNAL", "UNAVAILABLE", "DEADLINE_EXCEEDED"]),
    (Class::Invalid, &["invalid", "badRequest", "parseError", "timeRangeEmpty", "INVALID_ARGUMENT"]),
];

/// Graph's codes (learn.microsoft.com/graph/errors) and Exchange's, which it passes on.
pub(super) const GRAPH: &[Rule] = &[
    (
        Class::NoMailbox,
        &[
            "MailboxNotEnabledForRESTAPI",
            "MailboxNotSupportedForRESTAPI",
            "MailboxNotHostedInExchangeOnline",
            "ErrorNonExistentMailbox",
            "OrganizationFromTenantGuidNotFound",
            "ResourceNotFound",
        ],
    ),
    (
        Class::Throttle,
        &[
            "ApplicationThrottled",
            "TooManyRequests",
            "activityLimitReached",
            "ErrorMailboxConcurrencyLimitExceeded",
            "MailboxConcurrency",
            "throttledRequest",
            "quotaLimitReached_requests",
        ],
    ),
    (
        Class::Resync,
        &[
            "syncStateNotFound",
            "resyncRequired",
            "SyncStateInvalid",
            "ErrorInvalidSyncStateData",
            "fullSyncRequired",
            "resyncChangesApplyDifferences",
            "resyncChangesUploadDifferences",
        ],
    ),
    (
        Class::InsufficientScope,
        &["insufficient_scope", "ErrorInsufficientPermissionsInAccessToken", "InsufficientScope"],
    ),
    (
        Class::RefreshAndRetry,
        &[
            "InvalidAuthenticationToken",
            "CompactTokenParsingFailed",
            "TokenExpired",
            "invalid_token",
            "insufficient_claims",
            "unauthenticated",
            "AuthenticationError",
        ],
    ),
    (
        Class::Conflict,
        &[
            "ErrorIrresolvableConflict",
            "ErrorChangeKeyRequiredForWriteOperations",
            "ErrorStaleObject",
            "preconditionFailed",
            "PreconditionFailed",
        ],
    ),
    (Class::Duplicate, &["nameAlreadyExists", "ErrorDuplicateTransactionId", "ErrorItemAlreadyExists"]),
    (
        Class::NotFound,
        &[
            "ErrorItemNotFound",
            "itemNotFound",
            "ErrorFolderNotFound",
            "ErrorCalendarNotFound",
            "Request_ResourceNotFound",
        ],
    ),
    (
        Class::Transient,
        &[
            "ErrorMailboxStoreUnavailable",
            "ErrorMailboxMoveInProgress",
            "ErrorMailboxInfoStale",
            "ErrorInternalServerTransientError",
            "ErrorInternalServerError",
            "ErrorTimeoutExpired",
            "ErrorConnectionFailed",
            "ErrorBatchProcessingStopped",
            "serviceNotAvailable",
            "generalException",
        ],
    ),
    (
        Class::Permission,
        &[
            "ErrorAccessDenied",
            "accessDenied",
            "Authorization_RequestDenied",
            "ErrorSendAsDenied",
            "ErrorCannotDeleteObject",
            "ErrorQuotaExceeded",
            "notAllowed",
        ],
    ),
    (
        Class::Invalid,
        &[
            "ErrorInvalidIdMalformed",
            "ErrorInvalidRequest",
            "ErrorInvalidParameter",
            "ErrorInvalidPropertySet",
            "ErrorPropertyValidationFailure",
            "ErrorSchemaValidation",
            "ErrorCalendarEndDateIsEarlierThanStartDate",
            "ErrorCalendarDurationIsTooLong",
            "RequestBodyRead",
            "RequestBroker--ParseUri",
            "invalidRequest",
            "BadRequest",
            "TimeZoneNotSupportedException",
        ],
    ),
];

/// The challenges of RFC 6750, for the APIs that have no codes of their own.
pub(super) const COMMON: &[Rule] = &[
    (Class::InsufficientScope, &["insufficient_scope"]),
    (Class::RefreshAndRetry, &["invalid_token", "TokenExpiredException", "ACCESS_TOKEN_IS_EXPIRED"]),
    (Class::Throttle, &["TOO_MANY_REQUESTS", "rate_limit_exceeded", "ThrottlerException"]),
];

pub(super) const GOOGLE_TEXTS: &[Phrase] = &[
    (403, "insufficient authentication scopes", Class::InsufficientScope, "insufficient_scope"),
    (403, "has not been used in project", Class::ConfigFault, "accessNotConfigured"),
];

/// A subscription that has expired is `ResourceNotFound` as well, but says nothing about the mailbox.
pub(super) const GRAPH_TEXTS: &[Phrase] =
    &[(404, "the object was not found", Class::NotFound, "ResourceNotFound")];

pub(super) const CALENDLY_TEXTS: &[Phrase] = &[
    (403, "scope", Class::InsufficientScope, "insufficient_scope"),
    (403, "already canceled", Class::Gone, "already_canceled"),
    (403, "upgrade", Class::Permission, "plan"),
];

pub(super) const CALCOM_TEXTS: &[Phrase] = &[
    (403, "scope", Class::InsufficientScope, "insufficient_scope"),
    (400, "already been cancelled", Class::Gone, "already_cancelled"),
    (400, "no_available_users_found", Class::Conflict, "no_available_users_found"),
    (400, "already has booking at this time", Class::Conflict, "already_booked"),
];
