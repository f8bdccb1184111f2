//! How a call is refused (*Amazon SQS API Reference*, "Common Errors" and the errors of each action; AWS JSON protocol with
//! the code of the query protocol in a header).

use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::json;

/// The content type of calls and answers.
pub const JSON: &str = "application/x-amz-json-1.0";

/// A refusal of a call, or of one entry of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub code: &'static str,
    pub message: String,
    /// Whether the sender is said to be at fault.
    pub sender: bool,
    pub status: u16,
}

impl Refusal {
    /// What the sender did wrong.
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), sender: true, status: 400 }
    }

    pub fn parameter(message: impl Into<String>) -> Self {
        Self::new("InvalidParameterValue", message)
    }

    pub fn missing(name: &str) -> Self {
        Self::new("MissingParameter", format!("The request must contain the parameter {name}."))
    }

    pub fn denied(who: &str, action: &str, resource: &str) -> Self {
        let message = format!(
            "User: {who} is not authorized to perform: {action} on resource: {resource} because no resource-based policy \
             allows the {action} action"
        );
        Self { status: 403, ..Self::new("AccessDenied", message) }
    }

    /// The name of its shape in the JSON protocol.
    fn shape(&self) -> String {
        match self.code {
            // Those are no errors of SQS's own description.
            "AccessDenied" | "InvalidParameterValue" | "MissingParameter" | "ExpiredToken" => {
                format!("com.amazon.coral.service#{}Exception", self.code)
            }
            code => format!("com.amazonaws.sqs#{code}"),
        }
    }

    /// The name that older clients know.
    fn query_code(&self) -> String {
        match self.code {
            "QueueDoesNotExist" => "AWS.SimpleQueueService.NonExistentQueue".to_owned(),
            code @ ("BatchEntryIdsNotDistinct"
            | "BatchRequestTooLong"
            | "EmptyBatchRequest"
            | "InvalidBatchEntryId"
            | "MessageNotInflight"
            | "TooManyEntriesInBatchRequest") => format!("AWS.SimpleQueueService.{code}"),
            code => code.to_owned(),
        }
    }

    pub fn answer(&self) -> Response {
        let body = json!({ "__type": self.shape(), "message": self.message }).to_string();
        let side = if self.sender { "Sender" } else { "Receiver" };
        let headers =
            [("content-type", JSON.to_owned()), ("x-amzn-query-error", format!("{};{side}", self.query_code()))];
        (StatusCode::from_u16(self.status).unwrap(), headers, body).into_response()
    }

    /// The same from STS, which speaks XML.
    pub fn answer_of_sts(&self) -> Response {
        let side = if self.sender { "Sender" } else { "Receiver" };
        let body = format!(
            "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>{side}</Type><Code>{}</Code>\
             <Message>{}</Message></Error><RequestId>r</RequestId></ErrorResponse>",
            self.code, self.message
        );
        (StatusCode::from_u16(self.status).unwrap(), [("content-type", "text/xml")], body).into_response()
    }
}
