//! One conditional update, written once and sent alone or as part of a transaction.

use std::collections::HashMap;

use aws_sdk_dynamodb::{
    operation::update_item::builders::UpdateItemFluentBuilder,
    types::{AttributeValue, TransactWriteItem, Update},
};

use super::{Store, odd, row::Key};
use crate::error::Result;

/// What changes in one item, and under which condition.
#[derive(Clone)]
pub(super) struct Change {
    table: String,
    key: Key,
    update: String,
    condition: String,
    names: HashMap<String, String>,
    values: HashMap<String, AttributeValue>,
}

impl Change {
    pub(super) fn of(table: &str, key: Key, update: impl Into<String>, condition: impl Into<String>) -> Self {
        Self {
            table: table.to_owned(),
            key,
            update: update.into(),
            condition: condition.into(),
            names: HashMap::new(),
            values: HashMap::new(),
        }
    }

    /// Names an attribute whose own name is a reserved word.
    pub(super) fn name(mut self, placeholder: &str, attribute: &str) -> Self {
        self.names.insert(placeholder.to_owned(), attribute.to_owned());
        self
    }

    pub(super) fn value(mut self, placeholder: &str, value: AttributeValue) -> Self {
        self.values.insert(placeholder.to_owned(), value);
        self
    }

    /// Goes on with the update expression.
    pub(super) fn and(mut self, more: &str) -> Self {
        self.update.push_str(more);
        self
    }

    /// As a call of its own.
    pub(super) fn call(self, store: &Store) -> UpdateItemFluentBuilder {
        let call = store.client().update_item().table_name(self.table).set_key(Some(self.key.item()));
        let names = (!self.names.is_empty()).then_some(self.names);
        let values = (!self.values.is_empty()).then_some(self.values);
        call.update_expression(self.update)
            .condition_expression(self.condition)
            .set_expression_attribute_names(names)
            .set_expression_attribute_values(values)
    }

    /// As an action of a transaction.
    pub(super) fn action(self) -> Result<TransactWriteItem> {
        let update = Update::builder()
            .table_name(self.table)
            .set_key(Some(self.key.item()))
            .update_expression(self.update)
            .condition_expression(self.condition)
            .set_expression_attribute_names((!self.names.is_empty()).then_some(self.names))
            .set_expression_attribute_values((!self.values.is_empty()).then_some(self.values));
        Ok(TransactWriteItem::builder().update(update.build().map_err(odd)?).build())
    }
}
