package main

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

func TestEverythingGoesOnForAWhileAfterTheSignal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		signal, end := context.WithCancel(t.Context())
		lingering, cancel := linger(signal, 5*time.Second)
		defer cancel()
		end()
		began := time.Now()
		if synctest.Wait(); lingering.Err() != nil {
			t.Error("it ended at once")
		}
		<-lingering.Done()
		if took := time.Since(began); took != 5*time.Second {
			t.Errorf("it ended after %s, want 5s", took)
		}
	})
}

func TestNobodyLingersUnlessTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		signal, end := context.WithCancel(t.Context())
		lingering, cancel := linger(signal, 0)
		defer cancel()
		end()
		began := time.Now()
		<-lingering.Done()
		if took := time.Since(began); took != 0 {
			t.Errorf("it ended after %s, want at once", took)
		}
	})
}
