//! An owner's settings: one row, whose attributes are written one by one, so that no writer undoes another.

use aws_sdk_dynamodb::{
    operation::update_item::builders::UpdateItemFluentBuilder,
    types::{AttributeValue, TransactWriteItem},
};
use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, Result},
    ids::{ConnectionId, OwnerId},
    schedule::{Schedule, ScheduleSource},
    store::{
        Store, Write, delete, keys, outage,
        row::{self, Stored, number, text},
        written,
    },
};

/// An owner's settings.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// The connection that is written to and shown first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_connection: Option<ConnectionId>,
    /// When appointments are possible.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schedule: Option<Schedule>,
    /// Where that comes from.
    #[serde(default)]
    pub schedule_source: ScheduleSource,
    /// Whether bookings are written to the calendar; they are when nothing is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auto_sync_bookings: Option<bool>,
}

impl Settings {
    /// Whether bookings stay out of the calendar.
    pub fn keeps_bookings_out(&self) -> bool {
        self.auto_sync_bookings == Some(false)
    }
}

impl Stored for Settings {
    const KIND: &'static str = "settings";
}

impl Store {
    /// The action that deletes an owner's settings.
    pub fn delete_settings(&self, owner: &OwnerId) -> Result<TransactWriteItem> {
        delete(&self.tables().connections, &keys::settings(owner))
    }

    /// Keeps an owner's first schedule; one that is there stays.
    pub async fn keep_schedule(
        &self,
        owner: &OwnerId,
        schedule: &Schedule,
        source: ScheduleSource,
    ) -> Result<Write> {
        let update = self.schedule_update(owner, schedule, source)?;
        written(update.condition_expression("attribute_not_exists(schedule)").send().await)
    }

    /// Writes the schedule that an owner sets, over whatever was in force.
    pub async fn set_schedule(&self, owner: &OwnerId, schedule: &Schedule) -> Result<()> {
        self.schedule_update(owner, schedule, ScheduleSource::Set)?.send().await.map_err(outage)?;
        Ok(())
    }

    fn schedule_update(
        &self,
        owner: &OwnerId,
        schedule: &Schedule,
        source: ScheduleSource,
    ) -> Result<UpdateItemFluentBuilder> {
        let update = self.settings_update(owner, "schedule = :schedule, schedule_source = :source");
        let update = update.expression_attribute_values(":schedule", attribute(schedule)?);
        Ok(update.expression_attribute_values(":source", attribute(source)?))
    }

    /// Chooses whether bookings are written to the calendar.
    pub async fn set_auto_sync(&self, owner: &OwnerId, on: bool) -> Result<()> {
        let update = self.settings_update(owner, "auto_sync_bookings = :value");
        update
            .expression_attribute_values(":value", AttributeValue::Bool(on))
            .send()
            .await
            .map_err(outage)?;
        Ok(())
    }

    /// Chooses the connection that is written to.
    pub async fn set_default(&self, owner: &OwnerId, id: &ConnectionId) -> Result<()> {
        let update = self.settings_update(owner, "default_connection = :value");
        update.expression_attribute_values(":value", text(id.as_str())).send().await.map_err(outage)?;
        Ok(())
    }

    /// Ends a choice, unless another one was made.
    pub async fn clear_default(&self, owner: &OwnerId, id: &ConnectionId) -> Result<Write> {
        let update = self
            .client()
            .update_item()
            .table_name(&self.tables().connections)
            .set_key(Some(keys::settings(owner).item()))
            .update_expression("REMOVE default_connection")
            .condition_expression("default_connection = :id")
            .expression_attribute_values(":id", text(id.as_str()));
        written(update.send().await)
    }

    /// Sets one attribute of the settings, whose row may not be there yet; the others stay as they are.
    fn settings_update(&self, owner: &OwnerId, set: &str) -> UpdateItemFluentBuilder {
        self.client()
            .update_item()
            .table_name(&self.tables().connections)
            .set_key(Some(keys::settings(owner).item()))
            .update_expression(format!("SET kind = :kind, v = :v, {set}"))
            .expression_attribute_values(":kind", text(Settings::KIND))
            .expression_attribute_values(":v", number(row::VERSION))
    }
}

fn attribute(value: impl Serialize) -> Result<AttributeValue> {
    serde_dynamo::to_attribute_value(value).map_err(|error| Error::internal(error.to_string()))
}
