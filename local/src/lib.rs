//! The whole world on loopback, and what is played on it: demo, judge and tests.

pub mod aws;
pub mod cli;
pub mod control;
pub mod demo;
mod envfile;
pub mod fixtures;
mod foreign;
pub mod gateway;
pub mod judge;
pub mod logs;
mod loopback;
pub mod loops;
pub mod operator;
pub mod recorded;
mod settings;
pub mod simulation;
pub mod stack;
pub mod visitor;
pub mod world;
